/** MySQL as the relational room sees it: which fields its columns take, and how. */
import { createHash } from "node:crypto";
import {
  type Conversion,
  convert,
  EXACT,
  lossy,
  WIDENED,
} from "../../../core/values/conversion.ts";
import type { Field } from "../../../models/field.ts";
import type {
  LoadColumn as RelationalColumn,
  Target as RelationalTarget,
} from "../column_match.ts";
import type { RelationalSystem } from "../contract.ts";
import { splitTypeName } from "../type_name.ts";
import { catalog, type MySQLColumn, type MySQLTable } from "./catalog.ts";
import { dialect, quote } from "./dialect.ts";
import { columnType, sourceType, typeMapper, typeWord } from "./type_mapper.ts";
import type { ColumnLimit } from "./wire/infile_encoder.ts";
import type { Session } from "./wire/session.ts";

export type LoadColumn = RelationalColumn<MySQLColumn, ColumnLimit>;
export type Target = RelationalTarget<MySQLTable, ColumnLimit>;

const TEXTS: ReadonlySet<string> = new Set(["string", "json", "array", "object"]);

/** What becomes of a field's values in a column. */
function conversionOf(field: Field, type: string): Conversion {
  const word = typeWord(type);
  if (field.source_type === sourceType(type)) return EXACT;
  if (word === "json") return lossy("a value is JSON that the server would write otherwise");
  if (word === "set") return lossy("a value is not the same set of the same server");
  const to = typeMapper.fromSource(type);
  const conversion = field.dtype === "timestamp_tz" && to.dtype === "timestamp"
    ? { ...WIDENED, note: "a datetime in UTC" }
    : TEXTS.has(field.dtype) && word === "longtext"
    ? WIDENED
    : convert(field, to);
  if (conversion.kind === "lossy") return conversion;
  const limit = limitOf(field, type);
  return limit === undefined ? conversion : { ...lossy(limit), limit: true };
}

/** When the values that a column's type takes do not all fit into the column. */
function limitOf({ dtype }: Field, type: string): string | undefined {
  const word = typeWord(type);
  const { args: [size] } = splitTypeName(type);
  switch (word) {
    case "char":
      return `a text is longer than ${size} or ends with a blank`;
    case "varchar":
    case "varbinary":
      return `a value is longer than ${size}`;
    case "binary":
      return `a value has not ${size} bytes`;
    case "tinytext":
    case "tinyblob":
    case "text":
    case "blob":
    case "mediumtext":
    case "mediumblob":
      return `a value is longer than ${word}`;
    case "enum":
      return "a text is not of the list";
    case "year":
      return "a year is not 0 or from 1901 to 2155";
    case "timestamp":
      return "a moment is not of the years 1970 to 2038";
    case "datetime":
    case "time":
      return dtype !== "date" && (size ?? 0) < 6 ? "a fraction of a second is finer" : undefined;
    default:
      return undefined;
  }
}

/** What dxt checks of a column, since the server would change the value in silence. */
function silentLimit({ type }: MySQLColumn): ColumnLimit {
  const { args: [size] } = splitTypeName(type);
  switch (typeWord(type)) {
    case "char":
      return { noClosingBlank: true };
    case "binary":
      return { bytes: size ?? 1 };
    case "enum":
      return { values: enumValues(type) };
    case "year":
      return { isYear: true };
    case "bit":
      return { isBits: true };
    case "datetime":
    case "timestamp":
    case "time":
      return { fractionDigits: size ?? 0 };
    default:
      return {};
  }
}

/** `enum('a','it''s')` */
function enumValues(type: string): string[] {
  return [...type.matchAll(/'((?:[^']|'')*)'/g)].map(([, text]) => text!.replaceAll("''", "'"));
}

export const mysql: RelationalSystem<Session, MySQLTable, ColumnLimit> = {
  dialect,
  catalog,
  createUniqueIndex({ name }, keys) {
    const hash = createHash("sha256").update(JSON.stringify(keys)).digest("hex").slice(0, 16);
    return `CREATE UNIQUE INDEX dxt_upsert_${hash} ON ${name} (${keys.map(quote).join(", ")})`;
  },
  types: {
    newTypes: (_session, fields, keys) =>
      Promise.resolve(fields.map((field) => columnType(field, keys.includes(field.name)))),
    conversionInNew: (field, type) => conversionOf(field, type.replace(/ character set .*/, "")),
    conversionOf: (field, { type }) => conversionOf(field, type),
    encodingOf(field, column, accept) {
      const { kind, limit } = conversionOf(field, column.type);
      if (kind !== "lossy" || limit === true) return silentLimit(column);
      if (!accept && field.target_type === undefined) return undefined;
      return { ...silentLimit(column), checked: typeMapper.fromSource(column.type) };
    },
  },
};
