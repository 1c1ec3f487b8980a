/**
 * Values of COPY's binary format → columns. Each decoder reads one value, which is not NULL, at
 * `at`, `size` bytes long. The formats are those of the types' send functions in
 * https://github.com/postgres/postgres/tree/master/src/backend/utils/adt
 */
import {
  BigColumn,
  BoolColumn,
  BytesColumn,
  type Column,
  DAY_MICROS,
  decimalBits,
  decimalText,
  INFINITE_DAY,
  INFINITE_MICROS,
  NEGATIVE_INFINITE_DAY,
  NEGATIVE_INFINITE_MICROS,
  NumberColumn,
  valuePusher,
} from "../../../../arrow/mod.ts";
import { ValueError } from "../../../../core/errors.ts";
import { INTEGER_BOUNDS, isIntegerType, parseText } from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";
import { EPOCH_DAYS, EPOCH_MICROS } from "../types/epoch.ts";
import type { MessageBuffer } from "../wire/message_buffer.ts";
import { decimalDecoder, unscaledDecoder } from "./numeric.ts";
import type { Direct, DirectKind, Unusual } from "./compiled_row_decoder.ts";
import { parseTypeName } from "../types/type_name.ts";
import { fromSource } from "../types/type_mapper.ts";
import { writeUUID } from "../../../../core/values/uuid.ts";

export type Decode = (input: MessageBuffer, at: number, size: number) => void;

/** The SQL of a column in the select list, and the decoder of its values. */
export interface ColumnDecoder {
  select(sql: string): string;
  decoder(field: Field, column: Column): Decode;
  /** How the generated row decoder reads the column, without a call per value; with the same result. */
  direct?(field: Field): Direct | undefined;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const asIs = (sql: string) => sql;
const asText = (sql: string) => `(${sql})::text`;

/**
 * Chooses the decoder of a column. It copies bytes where the field has the default type of the native type;
 * otherwise it reads text and checks each value against the field.
 */
export function chooseColumnDecoder(
  native: string,
  field: Field,
  checkUTF8: boolean,
): ColumnDecoder {
  const { base, array } = parseTypeName(native);
  const natural = fromSource(native).dtype;
  if (!array && isIntegerType(field.dtype) && base in INTEGER_SIZES) {
    const kind = INTEGER_SIZES[base]!;
    return {
      select: asIs,
      decoder: (f, column) => integerDecoder(base, f, column),
      ...(kind === field.dtype ? { direct: always(kind) } : {}),
    };
  }
  if (base === "numeric" && !array && field.dtype === "decimal") return numericReading;
  if (natural !== field.dtype) return checkedReading;
  if (array) return field.dtype === "array" ? arrayReading : stringReading(asText, checkUTF8);
  const reading = READINGS[base];
  if (reading !== undefined) return { select: asIs, ...reading };
  return stringReading(TEXT_LIKE.has(base) ? asIs : asText, checkUTF8);
}

/** Types whose binary format is their text. */
const TEXT_LIKE: ReadonlySet<string> = new Set(["text", "varchar", "bpchar", "name", "json"]);

const INTEGER_SIZES: Readonly<Record<string, "int16" | "int32" | "int64">> = {
  int2: "int16",
  int4: "int32",
  int8: "int64",
};

const always = (kind: DirectKind) => (): Direct => ({ kind });

const numericReading: ColumnDecoder = {
  select: asIs,
  decoder: (field, column) => decimalDecoder(field, column as BigColumn),
  direct: (field) => {
    const read = unscaledDecoder(field);
    return decimalBits(field.precision ?? 38) === 128
      ? { kind: "numeric", unusual: inWords(4, read) }
      : undefined;
  },
};

/** Decoders of types whose values are not text. */
const READINGS: Readonly<Record<string, Omit<ColumnDecoder, "select">>> = {
  float4: {
    decoder: (_, column) => {
      const numbers = column as NumberColumn;
      return ({ view }, at) => numbers.push(view.getFloat32(at));
    },
    direct: always("float32"),
  },
  float8: {
    decoder: (_, column) => {
      const numbers = column as NumberColumn;
      return ({ view }, at) => numbers.push(view.getFloat64(at));
    },
    direct: always("float64"),
  },
  bool: {
    decoder: (_, column) => {
      const bools = column as BoolColumn;
      return ({ bytes }, at) => bools.push(bytes[at] !== 0);
    },
    direct: always("bool"),
  },
  date: {
    decoder: (_, column) => {
      const days = column as NumberColumn;
      return ({ view }, at) => {
        const day = view.getInt32(at);
        days.push(day === INFINITE_DAY || day === NEGATIVE_INFINITE_DAY ? day : day + EPOCH_DAYS);
      };
    },
    direct: always("date"),
  },
  time: microsReading("time", timeReader),
  timestamp: microsReading("timestamp", timestampReader),
  timestamptz: microsReading("timestamp", timestampReader),
  bytea: {
    decoder: (_, column) => bytesDecoder(column as BytesColumn, 0),
    direct: always("bytes"),
  },
  jsonb: {
    decoder: (_, column) => bytesDecoder(column as BytesColumn, 1),
    direct: always("jsonb"),
  },
  uuid: {
    decoder: (_, column) => uuidDecoder(column as BytesColumn),
    direct: always("uuid"),
  },
};

/** @param skip bytes before the text, such as jsonb's version */
function bytesDecoder(bytes: BytesColumn, skip: number): Decode {
  return (input, at, size) => bytes.pushBytes(input.bytes, at + skip, at + size);
}

function stringReading(select: (sql: string) => string, checkUTF8: boolean): ColumnDecoder {
  return {
    select,
    ...(checkUTF8 ? {} : { direct: always("bytes") }),
    decoder: (field, column) => {
      const push = bytesDecoder(column as BytesColumn, 0);
      if (!checkUTF8) return push;
      // A database in SQL_ASCII may store any bytes.
      return (input, at, size) => {
        decoded(input, at, size, field);
        push(input, at, size);
      };
    },
  };
}

function decoded(input: MessageBuffer, at: number, size: number, field: Field): string {
  const bytes = input.bytes.subarray(at, at + size);
  try {
    return utf8.decode(bytes);
  } catch {
    throw new ValueError("expected text in UTF-8", field.name, undefined, bytes.slice());
  }
}

/** Reads text and checks it, for a field of another type than the column's own. */
const checkedReading: ColumnDecoder = {
  select: asText,
  decoder: (field, column) => {
    const push = valuePusher(field, column);
    return (input, at, size) => push(parseText(decoded(input, at, size, field), field));
  },
};

/** The highest number of dimensions, MAXDIM. */
const DIMENSIONS = [1, 2, 3, 4, 5, 6];

/** JSON has no place for bounds: an array that does not begin at 1 comes as `[0:1]={…}`. */
const arrayReading: ColumnDecoder = {
  select: (sql) => {
    const plain = DIMENSIONS.map((n) => `coalesce(array_lower(${sql}, ${n}), 1) = 1`).join(" AND ");
    return `CASE WHEN ${plain} THEN to_json(${sql})::text ELSE (${sql})::text END`;
  },
  decoder: (field, column) => {
    const bytes = column as BytesColumn;
    return (input, at, size) => {
      const text = input.bytes;
      if (text[at + size - 1] === CLOSING_BRACE) {
        throw new ValueError(
          'expected an array whose subscripts begin at 1, "dtype: string" moves others as text',
          field.name,
          undefined,
          decoded(input, at, size, field),
        );
      }
      bytes.pushBytes(text, at, at + size);
    };
  },
};
const CLOSING_BRACE = 0x7d;

function integerDecoder(base: string, field: Field, column: Column): Decode {
  const dtype = field.dtype as keyof typeof INTEGER_BOUNDS;
  const own = INTEGER_SIZES[base]!;
  const [low, high] = INTEGER_BOUNDS[dtype];
  const fits = INTEGER_BOUNDS[own][0] >= low && INTEGER_BOUNDS[own][1] <= high;
  const check = (value: number | bigint) => {
    if (value >= low && value <= high) return;
    throw new ValueError(`expected ${dtype} (${low} to ${high})`, field.name, undefined, value);
  };
  if (dtype === "int64" || dtype === "uint64") {
    const bigs = column as BigColumn;
    const read = base === "int8"
      ? (view: DataView, at: number) => view.getBigInt64(at)
      : base === "int4"
      ? (view: DataView, at: number) => BigInt(view.getInt32(at))
      : (view: DataView, at: number) => BigInt(view.getInt16(at));
    return ({ view }, at) => {
      const value = read(view, at);
      if (!fits) check(value);
      bigs.push(value);
    };
  }
  const numbers = column as NumberColumn;
  if (fits && base === "int4") return ({ view }, at) => numbers.push(view.getInt32(at));
  if (fits) return ({ view }, at) => numbers.push(view.getInt16(at));
  const read = base === "int8"
    ? (view: DataView, at: number) => view.getBigInt64(at)
    : base === "int4"
    ? (view: DataView, at: number) => view.getInt32(at)
    : (view: DataView, at: number) => view.getInt16(at);
  return ({ view }, at) => {
    const value = read(view, at);
    check(value);
    numbers.push(Number(value));
  };
}

/** Reads a value as a number of 64 bits or more. */
type ReadBig = (input: MessageBuffer, at: number) => bigint;

function microsReading(
  kind: "time" | "timestamp",
  reader: (field: Field) => ReadBig,
): Omit<ColumnDecoder, "select"> {
  return {
    decoder: (field, column) => {
      const read = reader(field);
      return (input, at) => (column as BigColumn).push(read(input, at));
    },
    direct: (field) => ({ kind, unusual: inWords(2, reader(field)) }),
  };
}

function inWords(count: number, read: ReadBig): Unusual {
  return (input, at, words, to) => {
    let rest = read(input, at);
    for (let i = 0; i < count; i++) {
      words[to + i] = Number(BigInt.asIntN(32, rest));
      rest >>= 32n;
    }
  };
}

function timeReader(field: Field): ReadBig {
  return ({ view }, at) => {
    const value = view.getBigInt64(at);
    if (value < DAY_MICROS) return value;
    throw new ValueError(
      'expected a time before 24:00:00, "dtype: string" moves it as text',
      field.name,
      undefined,
      "24:00:00",
    );
  };
}

function timestampReader(field: Field): ReadBig {
  return ({ view }, at) => {
    const value = view.getBigInt64(at);
    if (value === INFINITE_MICROS || value === NEGATIVE_INFINITE_MICROS) return value;
    if (value < INFINITE_MICROS - EPOCH_MICROS) return value + EPOCH_MICROS;
    throw new ValueError(
      'expected a timestamp before the year 294247, "dtype: string" moves it as text',
      field.name,
      undefined,
      `${decimalText(value, 6)} s after 2000-01-01`,
    );
  };
}

function uuidDecoder(column: BytesColumn): Decode {
  const text = new Uint8Array(36);
  return ({ bytes }, at) => {
    writeUUID(bytes, at, text, 0);
    column.pushBytes(text);
  };
}
