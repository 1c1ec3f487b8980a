/** MySQL as the relational room sees it: which fields its columns take, and how. */
import { chooseTotals, describeSpelling } from "./spelling.ts";
import { createHash } from "node:crypto";
import {
  type Conversion,
  convert,
  EXACT,
  lossy,
  WIDENED,
} from "../../../core/values/conversion.ts";
import { isText } from "../../../core/values/kinds.ts";
import { SchemaError } from "../../../core/errors.ts";
import type { DXTType } from "../../../models/dtype.ts";
import type { Field } from "../../../models/field.ts";
import type {
  LoadColumn as RelationalColumn,
  Target as RelationalTarget,
} from "../column_match.ts";
import type { RelationalSystem } from "../contract.ts";
import { longestText, splitTypeName } from "../type_name.ts";
import { catalog, type MySQLColumn, type MySQLTable } from "./catalog.ts";
import { dialect, quote, textLiteral } from "./dialect.ts";
import { refuseMissingRights } from "./privileges.ts";
import { columnType, sourceType, typeMapper, typeWord } from "./type_mapper.ts";
import type { ColumnLimit } from "./wire/infile_encoder.ts";
import type { Session } from "./wire/session.ts";

export type LoadColumn = RelationalColumn<MySQLColumn, ColumnLimit>;
export type Target = RelationalTarget<MySQLTable, ColumnLimit>;

/** What becomes of a field's values in a column. */
function findTypeConversion(field: Field, type: string): Conversion {
  const word = typeWord(type);
  if (field.source_type === sourceType(type)) return EXACT;
  if (word === "json") return lossy("a value is JSON that the server would write otherwise");
  if (word === "set") return lossy("a value is not the same set of the same server");
  const to = typeMapper.fromSource(type);
  const conversion = field.dtype === "timestamp_tz" && to.dtype === "timestamp"
    ? { ...WIDENED, note: "a datetime in UTC" }
    : isText(field.dtype) && word === "longtext"
    ? WIDENED
    : convert(field, to);
  if (conversion.kind === "lossy") return conversion;
  const { when } = columnLimit(type, field);
  return when === undefined ? conversion : { ...lossy(when), limit: true };
}

/**
 * Returns the limit that a column adds to its type. `when` completes "refused when …". dxt enforces `check`
 * itself, since the server would change the value without an error.
 */
function columnLimit(
  type: string,
  { dtype }: Field,
): { readonly when?: string; readonly check?: ColumnLimit } {
  const word = typeWord(type);
  const { args: [size] } = splitTypeName(type);
  switch (word) {
    case "char":
      return {
        when: `a text is longer than ${size} or ends with a blank`,
        check: { noClosingBlank: true },
      };
    case "varchar":
    case "varbinary":
      return { when: `a value is longer than ${size}` };
    case "binary":
      return { when: `a value does not have ${size} bytes`, check: { bytes: size ?? 1 } };
    case "tinytext":
    case "tinyblob":
    case "text":
    case "blob":
    case "mediumtext":
    case "mediumblob":
      return { when: `a value is longer than ${word}` };
    case "enum":
      return { when: "a text is not in the list", check: { values: enumValues(type) } };
    case "year":
      return { when: "a year is not 0 or from 1901 to 2155", check: { isYear: true } };
    case "bit":
      return { check: { isBits: true } };
    case "timestamp":
      return {
        when: "a time is not in the years 1970 to 2038",
        check: { fractionDigits: size ?? 0 },
      };
    case "datetime":
    case "time": {
      const isFiner = dtype !== "date" && (size ?? 0) < 6;
      const check = { fractionDigits: size ?? 0 };
      return isFiner ? { when: "a fraction of a second is finer", check } : { check };
    }
    default:
      return {};
  }
}

/** `enum('a','it''s')` */
function enumValues(type: string): string[] {
  return [...type.matchAll(/'((?:[^']|'')*)'/g)].map(([, text]) => text!.replaceAll("''", "'"));
}

/** Text where the server's grammar has no expression; sessions read backslashes as escapes. */
function commentLiteral(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/**
 * Types that other columns have as something else than their text: 0.1 with all digits of a double, a time
 * without its zone, and 1 for true.
 */
const SPELLED_IN_TEXT: ReadonlySet<DXTType> = new Set(["float32", "timestamp_tz", "bool"]);

/** Most characters of a varchar and a char, whatever their character set. */
const LONGEST = { varchar: 16_383, char: 255 } as const;

/**
 * The type of a longer column, with the character set that it has. A column with a default keeps its type, and so
 * does an indexed one where the source sets no bound: an index needs one.
 */
async function lengthenText(
  session: Session,
  { schema, table }: MySQLTable,
  field: Field,
  { name, type, hasDefault }: MySQLColumn,
): Promise<string | undefined> {
  const { args: [size = 1] } = splitTypeName(type);
  const word = typeWord(type);
  const length = longestText(field);
  if (!isText(field.dtype) || length === undefined || length <= size) return undefined;
  if (hasDefault || word !== "varchar" && word !== "char") return undefined;
  const { rows: [row] } = await session.query(
    `SELECT c.CHARACTER_SET_NAME, c.COLLATION_NAME, (SELECT COUNT(*) FROM information_schema.STATISTICS s
      WHERE s.TABLE_SCHEMA = c.TABLE_SCHEMA AND s.TABLE_NAME = c.TABLE_NAME AND s.COLUMN_NAME = c.COLUMN_NAME)
    FROM information_schema.COLUMNS c WHERE c.TABLE_SCHEMA = ${textLiteral(schema)}
      AND c.TABLE_NAME = ${textLiteral(table)} AND c.COLUMN_NAME = ${textLiteral(name)}`,
  );
  const [charset, collation, indexes] = row!;
  const isBounded = length <= LONGEST.varchar;
  if (!isBounded && indexes !== "0") return undefined;
  const isChar = word === "char" && length <= LONGEST.char &&
    /^mysql:char\b/.test(field.source_type!);
  const longer = isBounded ? `${isChar ? "char" : "varchar"}(${length})` : "longtext";
  return `${longer} character set ${charset} collate ${collation}`;
}

export const mysql: RelationalSystem<Session, MySQLTable, ColumnLimit> = {
  refuseChanges: (session, table) => refuseMissingRights(session, table, ["ALTER"]),
  dialect,
  catalog,
  createUniqueIndex({ name }, keys) {
    const hash = createHash("sha256").update(JSON.stringify(keys)).digest("hex").slice(0, 16);
    return `CREATE UNIQUE INDEX dxt_upsert_${hash} ON ${name} (${keys.map(quote).join(", ")})`;
  },
  /** Refuses a column with a default: MODIFY needs its whole definition, and defaults have many spellings. */
  async changeType(session, { name, label, schema, table }, column, type) {
    if (column.hasDefault || column.identity) {
      throw new SchemaError(
        `Cannot give column "${column.name}" of ${label} the type ${type}: it has a default, which dxt would lose; change it in MySQL`,
      );
    }
    const { rows: [row] } = await session.query(
      `SELECT COLUMN_COMMENT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ${
        textLiteral(schema)
      } AND TABLE_NAME = ${textLiteral(table)} AND COLUMN_NAME = ${textLiteral(column.name)}`,
    );
    const rule = column.nullable ? "NULL" : "NOT NULL";
    return `ALTER TABLE ${name} MODIFY COLUMN ${quote(column.name)} ${type} ${rule} COMMENT ${
      commentLiteral(String(row![0]))
    }`;
  },
  lengthen: lengthenText,
  types: {
    newTypes: (_session, fields, keys) =>
      Promise.resolve(fields.map((field) => columnType(field, keys.includes(field.name)))),
    conversionInNew: (field, type) =>
      findTypeConversion(field, type.replace(/ character set .*/, "")),
    findConversion: (field, { type }) => findTypeConversion(field, type),
    chooseEncoding(field, column, accept) {
      const { kind, limit } = findTypeConversion(field, column.type);
      const { check = {} } = columnLimit(column.type, field);
      if (kind !== "lossy" || limit === true) {
        const isText = SPELLED_IN_TEXT.has(field.dtype) &&
          typeMapper.fromSource(column.type).dtype === "string";
        return isText ? { ...check, checked: { dtype: "string" } } : check;
      }
      if (!accept && field.target_type === undefined) return undefined;
      return { ...check, checked: typeMapper.fromSource(column.type) };
    },
    describeSpelling,
    chooseTotals,
  },
};
