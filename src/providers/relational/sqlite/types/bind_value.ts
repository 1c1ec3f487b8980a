/** Columns → values as SQLite keeps them. */
import { Buffer } from "node:buffer";
import {
  decimalText,
  isNull,
  textReader,
  timestampTextReader,
  unscaledReader,
  valueReader,
} from "../../../../arrow/mod.ts";
import type { Batch } from "../../../../core/contracts/batch.ts";
import { ValueError } from "../../../../core/errors.ts";
import { INTEGER_BOUNDS } from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";
import { measureDigits } from "../../../../formats/inference/number_columns.ts";
import { NEGATIVE_ZERO, NOT_A_NUMBER } from "./raw_values.ts";
import { type Affinity, ANY_NUMBER, findAffinity, NUMBER_TEXT } from "./type_mapper.ts";
import { DOUBLE_DIGITS } from "../../type_name.ts";

type Data = Batch["data"]["children"][number];
export type Bound = null | number | bigint | string | Uint8Array;

/** What of a column changes values. */
export interface Holder {
  readonly declared: string;
  /** The database keeps text as UTF-16. */
  readonly wide: boolean;
}

/**
 * A reader of a column's values as they are bound for a column of a table.
 *
 * @throws {ValueError} (the function) for a value that SQLite would change there
 */
export function boundReader(field: Field, data: Data, holder: Holder): (row: number) => Bound {
  const read = presentReader(field, data, holder);
  return (row) => isNull(data, row) ? null : read(row);
}

function presentReader(
  field: Field,
  data: Data,
  { declared, wide }: Holder,
): (row: number) => Bound {
  const { values } = data;
  const affinity = findAffinity(declared);
  const changed = (row: number, value: unknown): never => {
    const wayOut = field.number === true || field.dtype === "decimal"
      ? `; a column declared ${NUMBER_TEXT} keeps it as text`
      : "";
    throw new ValueError(
      `SQLite would change it in a column declared ${declared}${wide ? " of UTF-16" : ""}${wayOut}`,
      field.name,
      row + 1,
      value,
    );
  };
  switch (field.dtype) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32":
      // Numbers are bound as doubles, which columns of these affinities make integers again.
      return affinity === "none" || affinity === "text"
        ? (row) => BigInt(values[row])
        : (row) => values[row];
    case "int64":
      return (row) => values[row];
    case "uint64":
      if (affinity === "text") return (row) => String(values[row]);
      return (row) => {
        if (values[row] <= INTEGER_BOUNDS.int64[1]) return values[row];
        return affinity === "none" ? String(values[row]) : changed(row, values[row]);
      };
    case "float32":
    case "float64":
      return (row) => {
        const value = values[row] as number;
        if (Number.isNaN(value)) return NOT_A_NUMBER;
        return Object.is(value, -0) ? NEGATIVE_ZERO : value;
      };
    case "bool": {
      const read = valueReader(field, data);
      return affinity === "none"
        ? (row) => read(row) === true ? 1n : 0n
        : (row) => read(row) === true ? 1 : 0;
    }
    case "decimal":
      return decimalReader(field, data, affinity, changed);
    case "timestamp":
      return timestampTextReader(field, data, " ");
    case "timestamp_tz": {
      const read = timestampTextReader(field, data, " ");
      return (row) => {
        const text = read(row);
        return text.endsWith("y") ? text : `${text}+00:00`;
      };
    }
    case "binary":
      return valueReader(field, data) as (row: number) => Uint8Array;
    case "string":
    case "json":
    case "array":
    case "object": {
      const keeps = affinity === "text" || affinity === "none";
      if (field.number === true && !keeps) return numberReader(data, changed);
      const read = stringReader(field, data);
      if (keeps && !wide) return read;
      return (row) => {
        const text = read(row);
        if (!keeps && NUMERIC.test(text)) return changed(row, text);
        return wide && NONCHARACTERS.test(text) ? changed(row, text) : text;
      };
    }
    default:
      return textReader(field, data);
  }
}

/** A reader of numbers without bounds, for a column that makes numbers of texts. */
function numberReader(
  data: Data,
  changed: (row: number, value: unknown) => never,
): (row: number) => Bound {
  const bytes = data.values as Uint8Array;
  const offsets = data.valueOffsets as Int32Array;
  return (row) => {
    const [start, end] = [offsets[row]!, offsets[row + 1]!];
    return exactNumber(bytes, start, end) ??
      changed(row, latin1.decode(bytes.subarray(start, end)));
  };
}

const latin1 = new TextDecoder("latin1");

/** Digits on each side of the point with which a number is in a double's range beyond all doubt. */
const RANGE_DIGITS = 300;

/**
 * The integer or the double that is the very same number as a text; undefined for a text that SQLite
 * would round to 15 digits, and for one that is no number.
 */
function exactNumber(
  bytes: Uint8Array,
  start: number,
  end: number,
): number | bigint | undefined {
  const number = measureDigits(bytes, start, end);
  if (number === undefined) return undefined;
  const { whole, needed, significant } = number;
  const text = latin1.decode(bytes.subarray(start, end));
  if (needed === 0 && whole > DOUBLE_DIGITS && whole <= INT64_DIGITS) {
    const integer = BigInt(text.replace(/\..*/, ""));
    const [low, high] = INTEGER_BOUNDS.int64;
    if (integer >= low && integer <= high) return integer;
  }
  const isDouble = significant <= DOUBLE_DIGITS && Math.max(whole, needed) <= RANGE_DIGITS;
  // SQLite has no negative zero.
  return isDouble ? Number(text) || 0 : undefined;
}

const INT64_DIGITS = 19;

/** Text that a column without text affinity makes a number. */
const NUMERIC = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i;

/** As `textReader`, and faster: it checks the bytes again only where a fault may be. */
function stringReader(field: Field, data: Data): (row: number) => string {
  const checked = textReader(field, data) as (row: number) => string;
  const { buffer, byteOffset, length } = data.values as Uint8Array;
  const bytes = Buffer.from(buffer, byteOffset, length);
  const offsets = data.valueOffsets as Int32Array;
  return (row) => {
    const text = bytes.toString("utf8", offsets[row], offsets[row + 1]);
    return text.includes("\ufffd") ? checked(row) : text;
  };
}

/** On the way from UTF-8 to UTF-16 SQLite makes U+FFFD of these. */
const NONCHARACTERS = /[\ufffe\uffff]/;

function decimalReader(
  field: Field,
  data: Data,
  affinity: Affinity,
  changed: (row: number, value: unknown) => never,
): (row: number) => Bound {
  const { scale = 0 } = field;
  const unscaled = unscaledReader(data);
  if (affinity === "text" || affinity === "none") {
    return (row) => decimalText(unscaled(row), scale);
  }
  const most = BigInt(findMostExact(scale));
  const factor = 10 ** scale;
  return (row) => {
    const value = unscaled(row);
    if (value >= -most && value <= most) return Number(value) / factor;
    const text = decimalText(value, scale);
    const bytes = Buffer.from(text, "latin1");
    return exactNumber(bytes, 0, bytes.length) ?? changed(row, text);
  };
}

/** The highest power of ten that a double holds exactly. */
const EXACT_POWER = 22;

/** The highest unscaled value whose quotient by 10 ** scale keeps all digits; -1 where not even 0 is sure to. */
export function findMostExact(scale: number): number {
  return scale <= EXACT_POWER ? 10 ** DOUBLE_DIGITS - 1 : -1;
}

/**
 * The error for the first value that is no number of SQLite in a column declared {@linkcode ANY_NUMBER};
 * undefined where there is none.
 */
export function findUnkeptNumber(field: Field, data: Data): ValueError | undefined {
  const read = boundReader(field, data, { declared: ANY_NUMBER, wide: false });
  try {
    for (let row = 0; row < data.length; row++) read(row);
  } catch (error) {
    if (error instanceof ValueError) return error;
    throw error;
  }
  return undefined;
}
