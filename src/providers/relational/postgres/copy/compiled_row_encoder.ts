/**
 * Columns → rows of COPY's binary format, by a function that is generated for the types of the
 * columns: straight-line from the columns' buffers into the message, without an object for a value of
 * the common types. Its source is made of numbers alone. The counterpart of `compiled_row_decoder.ts`.
 */
import type { Data } from "../../../../arrow/mod.ts";
import type { Field } from "../../../../models/field.ts";
import { type Check, DAYS, MICROS } from "../types/column_limits.ts";
import { type CopyBuffer, FRAME } from "./copy_buffer.ts";
import { DAY_WORDS, EPOCH_DAYS, EPOCH_MICROS, EPOCH_WORDS, splitWords } from "../types/epoch.ts";
import { compileFunction } from "../../values/compiled_functions.ts";
import { LONG_VALUE, MAX_GENERATED } from "../../values/direct_columns.ts";
import { SLACK } from "../../../transport/receive_buffer.ts";
import { NUMERIC_BYTES, writeNumericWords } from "./numeric_fast.ts";
import { readUUID } from "../../../../core/values/uuid.ts";

/** Writes the value of a row, NULL or not, with its length before it. */
export type Write = (row: number, out: CopyBuffer) => void;

/** The properties of a column that do not depend on the batch. */
export interface Written {
  readonly field: Field;
  /** The type that is sent. */
  readonly as: string;
  /** Whether every value needs its check, not only those at the ends of the type's range. */
  readonly checked: boolean;
}

/** A column of the batch that is written. */
export interface Source {
  readonly data: Data;
  /** Writes a value in the general way. */
  readonly write: Write;
  readonly check: Check | undefined;
}

/** Rows that are written at once when the writer has warmed up. */
const MOST = 65_536;

/** The arrays of a column. */
interface Buffers {
  /** Null where no value is NULL. */
  readonly bits: Uint8Array | null;
  /** Where the column's first bit is. */
  readonly first: number;
  /** Numbers, words of 32 bits, bits of booleans, or offsets. */
  readonly values: ArrayLike<number>;
  readonly bytes: Uint8Array | undefined;
}

type Run = (scope: Scope, start: number, rows: number, out: CopyBuffer) => number;

interface Scope {
  readonly progress: { row: number };
  readonly buffers: (Buffers | undefined)[];
  readonly sources: Source[];
  readonly writeNumericWords: typeof writeNumericWords;
  readonly readUUID: typeof readUUID;
}

export class CompiledRowEncoder {
  readonly #scope: Scope;
  readonly #kinds: readonly (Kind | undefined)[];
  readonly #run: Run;
  /** Rows that are written at once. */
  #most = 1;

  constructor(columns: readonly Written[]) {
    this.#kinds = columns.map((column, i) => i < MAX_GENERATED ? findKind(column) : undefined);
    this.#scope = {
      progress: { row: 0 },
      buffers: columns.map(() => undefined),
      sources: [],
      writeNumericWords,
      readUUID,
    };
    this.#run = compileFunction<Run>(
      ["scope", "start", "rows", "out"],
      writeBody(columns, this.#kinds),
    );
  }

  /** The row that is being written. */
  get row(): number {
    return this.#scope.progress.row;
  }

  /** The columns of the batch that is written from now on. */
  open(sources: readonly Source[]): void {
    sources.forEach((source, i) => {
      this.#scope.sources[i] = source;
      const kind = this.#kinds[i];
      this.#scope.buffers[i] = kind === undefined ? undefined : listBuffers(source.data, kind);
    });
  }

  /** Writes rows from `row` on until the message is full; returns the first that is left. */
  write(row: number, rows: number, out: CopyBuffer): number {
    // The first runs are short, for the reason that `row_decoder.ts` has.
    const end = Math.min(row + this.#most, rows);
    this.#most = Math.min(this.#most * 2, MOST);
    return this.#run(this.#scope, row, end, out);
  }
}

function listBuffers(
  { values, valueOffsets, nullCount, nullBitmap, offset }: Data,
  kind: Kind,
): Buffers {
  const common = { bits: nullCount === 0 ? null : nullBitmap, first: offset };
  if (TEXT.has(kind)) return { ...common, values: valueOffsets as Int32Array, bytes: values };
  if (!WORDS.has(kind)) return { ...common, values, bytes: undefined };
  const { buffer, byteOffset, byteLength } = values as Uint32Array;
  return {
    ...common,
    values: new Int32Array(buffer, byteOffset, byteLength / Int32Array.BYTES_PER_ELEMENT),
    bytes: undefined,
  };
}

type Kind = keyof typeof VALUES;

/** Types that are sent as they are named, or under another name. */
const KINDS: Readonly<Record<string, Kind>> = {
  int2: "int2",
  int4: "int4",
  float4: "float4",
  float8: "float8",
  bool: "bool",
  date: "date",
  time: "time",
  timestamp: "timestamp",
  timestamptz: "timestamp",
  bytea: "bytes",
  text: "bytes",
  jsonb: "jsonb",
  uuid: "uuid",
};
const WORDS: ReadonlySet<Kind> = new Set(["int64", "time", "timestamp", "numeric"]);
const TEXT: ReadonlySet<Kind> = new Set(["bytes", "jsonb", "uuid"]);

/** Digits of the longest decimal in 128 bits. */
const DIGITS = 38;

function findKind({ field, as }: Written): Kind | undefined {
  if (as === "int8") return field.dtype === "int64" ? "int64" : "int8";
  if (as !== "numeric") return KINDS[as];
  return field.dtype === "decimal" && (field.precision ?? DIGITS) <= DIGITS ? "numeric" : undefined;
}

/** Bytes that a value takes at most, with its length; of text without the text. */
const SIZES: Readonly<Record<Kind, number>> = {
  int2: 6,
  int4: 8,
  int8: 12,
  int64: 12,
  float4: 8,
  float8: 12,
  bool: 5,
  date: 8,
  time: 12,
  timestamp: 12,
  numeric: 4 + NUMERIC_BYTES,
  bytes: 4,
  jsonb: 5,
  uuid: 20,
};

function writeBody(columns: readonly Written[], kinds: readonly (Kind | undefined)[]): string {
  const count = columns.length;
  const first = kinds.slice(0, MAX_GENERATED);
  // Text is copied beyond its end, eight bytes at a time.
  const fixed = kinds.reduce((sum, kind) => sum + (kind === undefined ? 4 : SIZES[kind]), 2) +
    SLACK;
  return `"use strict";
  const { progress, buffers, sources, writeNumericWords, readUUID } = scope;
  let { bytes, view, at } = out;
  let row = start, low = 0, high = 0;
  ${first.map((kind, i) => kind === undefined ? "" : locals(kind, i)).join("")}
  for (; row < rows; row++) {
    if (at >= ${FRAME}) break;
    progress.row = row;
    ${reserved(String(fixed))}
    view.setInt16(at, ${count});
    at += 2;
    ${
    first.map((kind, i) => kind ? column(kind, columns[i]!, i, fixed) : general(i, fixed)).join(
      "",
    )
  }
    ${
    count > MAX_GENERATED
      ? `for (let i = ${MAX_GENERATED}; i < ${count}; i++) ${general("i", fixed)}`
      : ""
  }
  }
  out.at = at;
  return row;`;
}

/** Makes room at `at`. */
const reserved = (size: string) =>
  `if (at + ${size} > bytes.length) {
      out.at = at;
      out.reserve(${size});
      ({ bytes, view } = out);
    }`;

function locals(kind: Kind, i: number): string {
  const text =
    `const { bits: m${i}, first: f${i}, values: v${i} } = buffers[${i}], { check: c${i} } = sources[${i}];`;
  if (!TEXT.has(kind)) return text;
  return `${text}
  const b${i} = buffers[${i}].bytes, s${i} = new DataView(b${i}.buffer, b${i}.byteOffset, b${i}.length);`;
}

function column(kind: Kind, written: Written, i: number, fixed: number): string {
  const check = written.checked || TEXT.has(kind) ? `if (c${i} !== undefined) c${i}(row);` : "";
  return `
    if (m${i} !== null && (m${i}[(f${i} + row) >> 3] & (1 << ((f${i} + row) & 7))) === 0) {
      view.setInt32(at, -1);
      at += 4;
    } else {
      ${check}
      ${VALUES[kind](i, written, fixed)}
    }`;
}

function general(i: number | string, fixed: number): string {
  return `{
      out.at = at;
      sources[${i}].write(row, out);
      ({ bytes, view, at } = out);
      ${reserved(String(fixed))}
    }`;
}

/** A value of `size` bytes. */
const put = (size: number, text: string) =>
  `view.setInt32(at, ${size});
      ${text}
      at += ${4 + size};`;

/** A value of two words, which `text` makes from low and high. */
const putWords = (i: number, text: string) =>
  put(
    8,
    `low = v${i}[row * 2];
      high = v${i}[row * 2 + 1];
      ${text}
      view.setInt32(at + 4, high);
      view.setInt32(at + 8, low);`,
  );

/** First days that no date is before, and that is behind the last, from 1970. */
const [FIRST_DAY, END_DAY] = [DAYS[0] + EPOCH_DAYS, DAYS[1] + EPOCH_DAYS];
/** No timestamp whose high word is above this is too early; none is too late that is no infinity. */
const EARLY = splitWords(MICROS[0] + EPOCH_MICROS)[1];

/** Code for a value that is not NULL. */
const VALUES = {
  int2: (i: number) => put(2, `view.setInt16(at + 4, v${i}[row]);`),
  int4: (i: number) => put(4, `view.setInt32(at + 4, v${i}[row]);`),
  int8: (i: number) =>
    put(
      8,
      `view.setInt32(at + 4, v${i}[row] < 0 ? -1 : 0);
      view.setInt32(at + 8, v${i}[row]);`,
    ),
  int64: (i: number) => putWords(i, ""),
  float4: (i: number) => put(4, `view.setFloat32(at + 4, v${i}[row]);`),
  float8: (i: number) => put(8, `view.setFloat64(at + 4, v${i}[row]);`),
  bool: (i: number) =>
    put(1, `bytes[at + 4] = (v${i}[(f${i} + row) >> 3] >> ((f${i} + row) & 7)) & 1;`),
  date: (i: number) =>
    put(
      4,
      `low = v${i}[row];
      if (low < ${FIRST_DAY} || low >= ${END_DAY}) c${i}(row);
      if (low !== 0x7fffffff && low !== -0x80000000) low = (low - ${EPOCH_DAYS}) | 0;
      view.setInt32(at + 4, low);`,
    ),
  time: (i: number) => putWords(i, `if (high < 0 || high >= ${DAY_WORDS[1]}) c${i}(row);`),
  timestamp: (i: number) =>
    putWords(
      i,
      `if (high <= ${EARLY} || high === 0x7fffffff) c${i}(row);
      if ((high !== 0x7fffffff || low !== -1) && (high !== -0x80000000 || low !== 0)) {
        high -= ${EPOCH_WORDS[1]} + ((low >>> 0) < ${EPOCH_WORDS[0]} ? 1 : 0);
        low = (low - ${EPOCH_WORDS[0] | 0}) | 0;
      }`,
    ),
  numeric: (i: number, { field: { scale = 0 } }: Written) =>
    `low = writeNumericWords(v${i}, row * 4, ${Number(scale)}, view, at + 4);
      view.setInt32(at, low);
      at += 4 + low;`,
  bytes: (i: number, _: Written, fixed: number) => writeBytes(i, 0, fixed),
  jsonb: (i: number, _: Written, fixed: number) => writeBytes(i, 1, fixed),
  uuid: (i: number) =>
    `low = v${i}[row];
      // What is none is refused by name.
      if (!readUUID(b${i}, low, v${i}[row + 1] - low, bytes, at + 4)) sources[${i}].write(row, out);
      view.setInt32(at, 16);
      at += 20;`,
} as const;

const JSONB_VERSION = 1;

/** Bytes, behind jsonb's version where `skip` is 1. */
function writeBytes(i: number, skip: number, fixed: number): string {
  return `low = v${i}[row];
      high = v${i}[row + 1] - low;
      ${reserved(`high + ${fixed}`)}
      view.setInt32(at, high${skip > 0 ? " + 1" : ""});
      at += 4;
      ${skip > 0 ? `bytes[at++] = ${JSONB_VERSION};` : ""}
      if (high <= ${LONG_VALUE} && low + high + ${SLACK} <= b${i}.length) {
        for (let k = 0; k < high; k += 8) {
          view.setBigInt64(at + k, s${i}.getBigInt64(low + k, true), true);
        }
      } else bytes.set(b${i}.subarray(low, low + high), at);
      at += high;`;
}
