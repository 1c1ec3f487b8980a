import mysql from "../../../../src/providers/relational/mysql/mod.ts";
import { columnType, typeMapper } from "../../../../src/providers/relational/mysql/type_mapper.ts";
import type { Field } from "../../../../src/models/field.ts";
import { testProvider } from "../../../conformance/provider.ts";
import { mysqlTest } from "../../../support/services.ts";
import { freshDatabase, SERVERS } from "./support.ts";

const NAMES = "MySQL refuses names with a closing blank, and characters beyond U+FFFF";

for (const kind of SERVERS) {
  const { url, missing } = mysqlTest(kind);
  testProvider({
    provider: mysql,
    label: kind,
    async connection() {
      if (missing !== undefined) return { ignore: missing };
      const database = await freshDatabase(url);
      return {
        config: { ...mysql.urls!.parse(database.url, "/") as object, sslmode: "disable" },
        // MySQL 5.6 has no generated columns: there the target is an ordinary one.
        sql: (text) =>
          database.sql(kind === "mariadb" ? text : text.replace(/ GENERATED .* STORED/, "")),
        release: async () => await database[Symbol.asyncDispose](),
      };
    },
    target: (name) => ({ type: "relation", name }),
    timestampType: "DATETIME(6)",
    widens,
    holds: (value) =>
      typeof value !== "number" ||
      Number.isFinite(value) && !(kind === "mariadb" && Object.is(value, -0)),
    // History needs window functions.
    ...(kind === "mariadb" ? {} : { modes: ["append", "replace", "upsert"] }),
    skip: {
      "hostile table names": NAMES,
      "hostile column names": NAMES,
      "hostile key names": NAMES,
    },
  });
}

/** What MySQL has no type of its own for comes back as the one that held it. */
function widens(field: Field): Partial<Field> {
  const type = columnType(field, false);
  const { dtype, precision, scale } = typeMapper.fromSource(type.replace(/ character set .*/, ""));
  return {
    dtype,
    ...(precision === undefined ? {} : { precision }),
    ...(scale === undefined ? {} : { scale }),
  };
}
