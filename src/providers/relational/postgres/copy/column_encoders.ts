/**
 * Columns → values of COPY's binary format, the counterpart of `column_decoders.ts`: what the types' receive
 * functions read.
 */
import {
  type Data,
  INFINITE_DAY,
  INFINITE_MICROS,
  isNull,
  NEGATIVE_INFINITE_DAY,
  NEGATIVE_INFINITE_MICROS,
  unscaledReader,
} from "../../../../arrow/mod.ts";
import { ValueError } from "../../../../core/errors.ts";
import type { Field } from "../../../../models/field.ts";
import type { CopyBuffer } from "./copy_buffer.ts";
import { EPOCH_DAYS, EPOCH_MICROS } from "../types/epoch.ts";
import { numericTextBytes, writeNumeric, writeNumericText } from "./numeric.ts";

/** Writes the value of a row, which is not NULL, with its length before it. */
type Encode = (row: number, out: CopyBuffer) => void;

/** Encoders by the type that is sent. */
const ENCODERS: Readonly<Record<string, (field: Field, data: Data) => Encode>> = {
  int2: (_, { values }) => (row, out) => {
    out.int32(2);
    out.int16(values[row]);
  },
  int4: (_, { values }) => (row, out) => {
    out.int32(4);
    out.int32(values[row]);
  },
  int8: (_, { values }) => (row, out) => {
    const value: number | bigint = values[row];
    int64(out, typeof value === "bigint" ? value : BigInt(value));
  },
  float4: (_, { values }) => (row, out) => {
    out.reserve(8);
    out.view.setInt32(out.at, 4);
    out.view.setFloat32(out.at + 4, values[row]);
    out.at += 8;
  },
  float8: (_, { values }) => (row, out) => {
    out.reserve(12);
    out.view.setInt32(out.at, 8);
    out.view.setFloat64(out.at + 4, values[row]);
    out.at += 12;
  },
  bool: (_, data) => (row, out) => {
    const at = data.offset + row;
    out.reserve(5);
    out.view.setInt32(out.at, 1);
    out.bytes[out.at + 4] = (data.values[at >> 3] >> (at & 7)) & 1;
    out.at += 5;
  },
  date: (_, { values }) => (row, out) => {
    const day: number = values[row];
    const infinite = day === INFINITE_DAY || day === NEGATIVE_INFINITE_DAY;
    out.int32(4);
    out.int32(infinite ? day : day - EPOCH_DAYS);
  },
  time: (_, { values }) => (row, out) => int64(out, values[row]),
  timestamp: timestampEncoder,
  timestamptz: timestampEncoder,
  numeric: numericEncoder,
  bytea: (_, data) => bytesEncoder(data),
  text: (_, data) => bytesEncoder(data),
  jsonb: (_, data) => {
    const offsets = data.valueOffsets as Int32Array;
    return (row, out) => {
      const [from, to] = [offsets[row]!, offsets[row + 1]!];
      out.int32(to - from + 1);
      out.byte(JSONB_VERSION);
      out.slice(data.values, from, to);
    };
  },
  uuid: uuidEncoder,
};

const JSONB_VERSION = 1;

/** A writer of one column of a batch, NULLs included. */
export function binaryColumn(as: string, field: Field, data: Data): Encode {
  const encode = ENCODERS[as]!(field, data);
  if (data.nullCount === 0) return encode;
  return (row, out) => isNull(data, row) ? out.int32(-1) : encode(row, out);
}

/** Whether a type has a binary encoder. */
export function hasBinary(as: string): boolean {
  return Object.hasOwn(ENCODERS, as);
}

function int64(out: CopyBuffer, value: bigint): void {
  out.reserve(12);
  out.view.setInt32(out.at, 8);
  out.view.setBigInt64(out.at + 4, value);
  out.at += 12;
}

function timestampEncoder(_: Field, { values }: Data): Encode {
  return (row, out) => {
    const value: bigint = values[row];
    const infinite = value === INFINITE_MICROS || value === NEGATIVE_INFINITE_MICROS;
    int64(out, infinite ? value : value - EPOCH_MICROS);
  };
}

/** Longest numeric of a decimal256: its head, and 20 groups of digits. */
const NUMERIC_BYTES = 8 + 2 * 20;

function numericEncoder(field: Field, data: Data): Encode {
  if (field.dtype === "string") return numericTextEncoder(field, data);
  const decimal = field.dtype === "decimal";
  const scale = decimal ? field.scale ?? 0 : 0;
  const unscaled = decimal ? unscaledReader(data) : (row: number) => BigInt(data.values[row]);
  return (row, out) => {
    out.reserve(4 + NUMERIC_BYTES);
    const size = writeNumeric(out.view, out.at + 4, unscaled(row), scale);
    out.view.setInt32(out.at, size);
    out.at += 4 + size;
  };
}

function numericTextEncoder(field: Field, data: Data): Encode {
  const offsets = data.valueOffsets as Int32Array;
  return (row, out) => {
    const [from, to] = [offsets[row]!, offsets[row + 1]!];
    out.reserve(4 + numericTextBytes(to - from));
    const size = writeNumericText(out.view, out.at + 4, data.values, from, to);
    if (size < 0) {
      const text = latin.decode(data.values.subarray(from, to));
      throw new ValueError(
        "expected digits of a number, as the column has",
        field.name,
        undefined,
        text,
      );
    }
    out.view.setInt32(out.at, size);
    out.at += 4 + size;
  };
}

function bytesEncoder(data: Data): Encode {
  const offsets = data.valueOffsets as Int32Array;
  return (row, out) => {
    const [from, to] = [offsets[row]!, offsets[row + 1]!];
    out.int32(to - from);
    out.slice(data.values, from, to);
  };
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const latin = new TextDecoder("latin1");

function uuidEncoder(field: Field, data: Data): Encode {
  const offsets = data.valueOffsets as Int32Array;
  return (row, out) => {
    const text = latin.decode(data.values.subarray(offsets[row], offsets[row + 1]));
    if (!UUID.test(text)) {
      throw new ValueError("expected a UUID, as the column has", field.name, undefined, text);
    }
    const bytes = Uint8Array.fromHex(text.replaceAll("-", ""));
    out.int32(16);
    out.slice(bytes, 0, 16);
  };
}
