/** What a pipeline may say as a target's own type, which goes into DDL as it stands. */
import assert from "node:assert/strict";
import { NativeType } from "../../src/models/field.ts";

const TYPES = [
  ...["int", "bigint", "text", "numeric(12,2)", "numeric(12, -2)", "double precision", "jsonb"],
  ...["character varying(20)", "CHARACTER VARYING(20)", "bit varying(8)", "text[]", "int[3][]"],
  ...["timestamp with time zone", "timestamp(3) without time zone", "time(0) with time zone[]"],
  ...["timestamp(6) with local time zone", "interval year to month", "interval day to second(3)"],
  ...['"char"', '"My Type"', 'public."My Type"[]', "public.mood", "pg_catalog.int4", "vector(3)"],
  ...["geometry(Point,4326)", "int unsigned", "bigint(20) unsigned zerofill", "Nullable(Int64)"],
  ...["UNSIGNED BIG INT", "NATIVE CHARACTER(70)", "LONG VARCHAR", "national character varying(5)"],
  ...["integer array", "uniqueidentifier", "key_type", "defaulted", '"unique"'],
];

const OTHERS = [
  ...["bigint REFERENCES victim", "bigint references victim(id)", "int UNIQUE", "int unique"],
  ...["UNIQUE", "primary key", "int PRIMARY KEY", "text COLLATE nocase", 'text COLLATE "C"'],
  ...["int DEFAULT 1", "int default(1)", "timestamp(3) DEFAULT now", "int CHECK (id)", "CHECK(id)"],
  ...["int CHECK (id > 0)", "int GENERATED ALWAYS AS IDENTITY", "int AS (a)", "int NOT NULL"],
  ...[
    "int NULL",
    "int CONSTRAINT c",
    "int AUTO_INCREMENT",
    "integer AUTOINCREMENT",
    "text STORAGE",
  ],
  ...[
    "int; drop table t",
    "int -- more",
    "int /* more */",
    "int, other int",
    "int) as x",
    "int\nnot",
  ],
  ...["int'", 'int "b', '"a" "b"', "", " int", "int ", "int  precision", "int(1", "int()", "a..b"],
  ...["int[]REFERENCES victim", "int[] references victim", "int\tunique", "int unsigned unique"],
  ...["varchar(3) references v(3)", "int comment", "text compression pglz", "int\u00a0unique"],
];

Deno.test("the name of a type is taken as it stands", () => {
  for (const type of TYPES) assert.equal(NativeType.safeParse(type).success, true, type);
});

Deno.test("whatever else a column may have is no type", () => {
  for (const type of OTHERS) assert.equal(NativeType.safeParse(type).success, false, type);
});
