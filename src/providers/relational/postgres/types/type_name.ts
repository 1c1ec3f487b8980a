/** Type names as `format_type` prints them, taken apart. */
import { splitTypeName } from "../../type_name.ts";

export interface TypeName {
  /** The short name, for example `int4` for `integer`; a type without one keeps its name. */
  readonly base: string;
  /** Numbers in parentheses, for example precision and scale. */
  readonly args: readonly number[];
  readonly array: boolean;
}

const SHORT: Readonly<Record<string, string>> = {
  smallint: "int2",
  integer: "int4",
  int: "int4",
  bigint: "int8",
  real: "float4",
  "double precision": "float8",
  decimal: "numeric",
  boolean: "bool",
  "character varying": "varchar",
  character: "bpchar",
  char: "bpchar",
  "time without time zone": "time",
  "time with time zone": "timetz",
  "timestamp without time zone": "timestamp",
  "timestamp with time zone": "timestamptz",
  "bit varying": "varbit",
};

export function parseTypeName(text: string): TypeName {
  const array = /\[\d*\]$/.test(text);
  const { words, args } = splitTypeName(text.replace(/(?:\[\d*\])+$/, ""));
  // The type "char" of the catalogues, in double quotes, is another one than char.
  const base = words.startsWith('"') ? words : SHORT[words.toLowerCase()] ?? bare(words);
  return { base, args, array };
}

/** Names of extensions' types carry the schema where that is not in the search path. */
function bare(name: string): string {
  const last = name.slice(name.lastIndexOf(".") + 1);
  return last === "citext" ? last : name;
}
