/**
 * Values that only the server can read: a load that sends them to a column of another type holds what
 * the server made of each against the text that it was sent. Nothing else notices that it rounded.
 */
import type { Field } from "../../../../models/field.ts";
import type { TableColumn } from "../sql/catalog.ts";
import { fromSource, nativeType } from "./type_mapper.ts";
import { parseTypeName, type TypeName } from "./type_name.ts";
import { isWider } from "./widening.ts";

/** A condition in SQL, of a column and of the text that was sent for it: the value is still the same. */
export type ServerCheck = (column: string, sent: string) => string;

/** Types that hold text. */
export const TEXT: ReadonlySet<string> = new Set([
  ...["text", "varchar", "bpchar", "name", "citext", "xml"],
]);

/** Types that refuse a text or keep what it says: spellings differ at most. */
const STRICT: ReadonlySet<string> = new Set(["inet", "cidr", "macaddr", "uuid"]);
const NETWORKS: ReadonlySet<string> = new Set(["inet", "cidr"]);

/** Ranges of `pg_catalog`: other schemas may have other types of these names. */
const RANGES = /^(?:int4|int8|num|ts|tstz|date)(?:multi)?range$/;

/** Dtypes whose text is checked against the length of a column here. */
const TEXTS: ReadonlySet<string> = new Set(["string", "json", "array", "object"]);

/** Whether a column keeps the value of any text of the field, or refuses it. */
export function isStrict(field: Field, { type, kind }: TableColumn): boolean {
  const { base, args, array } = parseTypeName(type);
  if (array) return false;
  if (TEXT.has(base) || kind === "e" || (base === "numeric" && args.length === 0)) return true;
  if (!STRICT.has(base)) return false;
  const native = nativeType(field);
  return isText(field) ||
    (native !== undefined && [native, base].every((one) => NETWORKS.has(one)));
}

/** Whether a field's values are text, not those of another type in its own words. */
export function isText(field: Field): boolean {
  const native = nativeType(field);
  if (field.dtype !== "string" || native === undefined) return field.dtype === "string";
  const { base, array } = parseTypeName(native);
  return !array && TEXT.has(base);
}

/** The condition for a field's values in a column; undefined where none could be changed. */
export function findServerCheck(field: Field, column: TableColumn): ServerCheck | undefined {
  const type = parseTypeName(column.type);
  const native = nativeType(field);
  if (native === column.type) return isRedefined(column, type) ? sameText(type) : undefined;
  if (native !== undefined && isWider(native, column.type)) return undefined;
  const natural = fromSource(column.type).dtype;
  if (natural !== "string") {
    // Elements of a JSON array are read here, those of an array literal are not.
    return natural === "array" && field.dtype === "string" ? sameText(type) : undefined;
  }
  if (isStrict(field, column)) {
    const limited = type.args.length > 0 || type.base === "name";
    return limited && !TEXTS.has(field.dtype) ? sameText(type) : undefined;
  }
  return SPECIAL[type.array ? "" : type.base.replace(/ .*/, "")]?.(isText(field)) ??
    sameText(type);
}

/** Types that users define, and define again: what has the same name need not be the same. */
function isRedefined({ kind }: TableColumn, { base }: TypeName): boolean {
  return kind === "c" || kind === "d" || ((kind === "r" || kind === "m") && !RANGES.test(base));
}

const NUMBERS: ReadonlySet<string> = new Set([
  ...["int2", "int4", "int8", "float4", "float8", "numeric"],
]);

/** The server prints what it was sent; elements of an array one by one, numbers as numbers. */
function sameText({ base, array }: TypeName): ServerCheck {
  if (!array) return (column, sent) => `${column}::text = ${sent}`;
  const elements = NUMBERS.has(base) ? "::text[]::numeric[]" : "::text[]";
  return (column, sent) =>
    `(${column}::text = ${sent} OR ${column}${elements} = ${sent}${elements})`;
}

/** Digits that are a number, in SQL. */
const DECIMAL = String.raw`'^\s*[-+]?(\d+\.?\d*|\.\d+)\s*$'`;
/** An interval of whole units, with at most six digits of the second. */
const WHOLE = String.raw`'^[^.,]*(\.\d{1,6}0*(\s*s[^.,]*|\s*ago\s*)?)?$'`;
const ZONED = String.raw`'^\d\d:\d\d(:[0-5]\d(\.\d{1,6}0*)?)?\s*([-+]\d\d(:?\d\d(:?\d\d)?)?|z)$'`;

/** Types whose equal values have several spellings. `read` is set for text that any user may have written. */
const SPECIAL: Readonly<Record<string, (read: boolean) => ServerCheck | undefined>> = {
  numeric: () => (column, sent) => `${column} = ${sent}::numeric`,
  money: () => (column, sent) =>
    `CASE WHEN ${column}::text = ${sent} THEN true WHEN ${sent} ~ ${DECIMAL} THEN ${column}::numeric = ${sent}::numeric ELSE false END`,
  interval: (read) =>
    read
      ? (column, sent) => `(${column}::text = ${sent}::interval::text AND ${sent} ~* ${WHOLE})`
      : undefined,
  timetz: (read) =>
    read
      ? (column, sent) => `(${column}::text = ${sent}::timetz::text AND ${sent} ~* ${ZONED})`
      : undefined,
};
