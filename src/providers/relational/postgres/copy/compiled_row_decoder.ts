/**
 * Decodes rows of COPY's binary format into columns by a function that is generated for the column
 * types. It is straight-line code without an object per value of the common types. Its source contains
 * numbers only, never a name or a value from outside. Other types are read by their `Decode`.
 */
import type { Column } from "../../../../arrow/mod.ts";
import type { Field } from "../../../../models/field.ts";
import { compileFunction } from "../../values/compiled_functions.ts";
import {
  declareColumn,
  type DirectBuffers,
  type DirectColumns,
  endText,
  growBytes,
  MAX_GENERATED,
  putBytes,
  putNull,
  returnColumn,
} from "../../values/direct_columns.ts";
import type { Reach } from "../../values/row_batches.ts";
import { DAY_WORDS, EPOCH_DAYS, EPOCH_WORDS } from "../types/epoch.ts";
import type { MessageBuffer } from "../wire/message_buffer.ts";
import { MESSAGE } from "../wire/messages.ts";
import type { Decode } from "./column_decoders.ts";
import { readNumericWords } from "./numeric_fast.ts";
import { writeUUID } from "../../../../core/values/uuid.ts";

/** How the generated function reads the values of a type. */
export type DirectKind = keyof typeof VALUES;

/** Reads a value that the generated function cannot: writes its words, lowest first, from `to` on. */
export type Unusual = (input: MessageBuffer, at: number, words: Int32Array, to: number) => void;

export interface Direct {
  readonly kind: DirectKind;
  readonly unusual?: Unusual;
}

/** Type and length of a message. */
const HEADER = 5;

/** The objects that the generated function uses. */
interface Scope {
  readonly buffers: readonly (DirectBuffers | undefined)[];
  readonly nulls: Int32Array;
  readonly columns: readonly Column[];
  readonly decoders: readonly Decode[];
  readonly unusual: readonly (Unusual | undefined)[];
  readonly readNumericWords: typeof readNumericWords;
  readonly writeUUID: typeof writeUUID;
}

type Run = (scope: Scope, reach: Reach, input: MessageBuffer) => number;

export class CompiledRowDecoder {
  readonly #run: Run;
  readonly #scope: Scope;

  /**
   * @param directs how the generated function reads a column; unset where a decoder reads it, as for all
   * columns beyond {@linkcode MAX_GENERATED}
   */
  constructor(
    fields: readonly Field[],
    directs: readonly (Direct | undefined)[],
    decoders: readonly Decode[],
    { buffers, nulls, columns }: DirectColumns,
  ) {
    this.#scope = {
      buffers,
      nulls,
      columns,
      decoders,
      unusual: directs.map((direct) => direct?.unusual),
      readNumericWords,
      writeUUID,
    };
    this.#run = compileFunction<Run>(["scope", "reach", "input"], writeBody(directs, fields));
  }

  /**
   * Reads the row of `reach`, and those of the whole messages behind it while there is room.
   * Afterwards `reach.at` is where the next message begins.
   *
   * @returns -1, or the column whose value does not fit its row; then `reach.at` is where it begins
   */
  run(reach: Reach, input: MessageBuffer): number {
    return this.#run(this.#scope, reach, input);
  }
}

function writeBody(directs: readonly (Direct | undefined)[], fields: readonly Field[]): string {
  const count = directs.length;
  const first = directs.slice(0, MAX_GENERATED);
  return `"use strict";
  const { buffers, nulls, columns, decoders, unusual, readNumericWords, writeUUID } = scope;
  const { bytes, view, end } = input;
  const { capacity } = reach;
  let { at, to, row, bytes: room } = reach;
  let size = 0, low = 0, high = 0;
  ${
    first.map((direct, i) => direct === undefined ? "" : declareColumn(i, BYTES.has(direct.kind)))
      .join("")
  }
  for (;;) {
    reach.row = row;
    room -= to - at;
    at += 2;
    ${first.map((direct, i) => direct ? column(direct, fields[i]!, i) : general(i)).join("")}
    ${
    count > MAX_GENERATED ? `for (let i = ${MAX_GENERATED}; i < ${count}; i++) ${general("i")}` : ""
  }
    if (at !== to) ${returnColumn(count)}
    row++;
    if (row === capacity || room <= 0 || end - at < ${HEADER + 2}) break;
    if (bytes[at] !== ${MESSAGE.copyData} || view.getInt16(at + ${HEADER}) !== ${count}) break;
    to = at + 1 + view.getInt32(at + 1);
    if (to > end || to < at + ${HEADER + 2}) break;
    at += ${HEADER};
  }
  reach.row = row;
  reach.at = at;
  reach.bytes = room;
  return -1;`;
}

/** Kinds whose values are text. */
const BYTES: ReadonlySet<string> = new Set(["bytes", "jsonb", "uuid"]);

function column(direct: Direct, field: Field, i: number): string {
  const end = BYTES.has(direct.kind) ? endText(i) : "";
  return `
    size = view.getInt32(at);
    at += 4;
    if (size < 0) {
      ${putNull(i)}
    } ${VALUES[direct.kind](i, field)} else ${returnColumn(i)}
    ${end}`;
}

function general(i: number | string): string {
  return `{
      size = view.getInt32(at);
      at += 4;
      if (size < 0) columns[${i}].pushNull();
      else if (size > to - at) ${returnColumn(i)}
      else {
        decoders[${i}](input, at, size);
        at += size;
      }
    }`;
}

/** A value of `size` bytes, put by `put`. */
const fixed = (size: number, put: string) =>
  `else if (size === ${size}) {
      ${put}
      at += ${size};
    }`;

const WORDS = "high = view.getInt32(at); low = view.getInt32(at + 4);";

/** Code for a value that is not NULL, as the rest of an if. */
const VALUES = {
  int16: (i: number) => fixed(2, `v${i}[row] = view.getInt16(at);`),
  int32: (i: number) => fixed(4, `v${i}[row] = view.getInt32(at);`),
  int64: (i: number) => fixed(8, `${WORDS} v${i}[row * 2] = low; v${i}[row * 2 + 1] = high;`),
  float32: (i: number) => fixed(4, `v${i}[row] = view.getFloat32(at);`),
  float64: (i: number) => fixed(8, `v${i}[row] = view.getFloat64(at);`),
  bool: (i: number) => fixed(1, `if (bytes[at] !== 0) v${i}[row >> 3] |= 1 << (row & 7);`),
  date: (i: number) =>
    fixed(
      4,
      `low = view.getInt32(at);
      v${i}[row] = low === 0x7fffffff || low === -0x80000000 ? low : low + ${EPOCH_DAYS};`,
    ),
  time: (i: number) =>
    fixed(
      8,
      `${WORDS}
      if (high >= ${DAY_WORDS[1]}) unusual[${i}](input, at, v${i}, row * 2);
      else { v${i}[row * 2] = low; v${i}[row * 2 + 1] = high; }`,
    ),
  // Infinities and times that are too late are at the ends of the range.
  timestamp: (i: number) =>
    fixed(
      8,
      `${WORDS}
      if (high >= ${0x7fffffff - EPOCH_WORDS[1] - 1} || high === -0x80000000) {
        unusual[${i}](input, at, v${i}, row * 2);
      } else {
        low = (low + ${EPOCH_WORDS[0] | 0}) | 0;
        v${i}[row * 2] = low;
        v${i}[row * 2 + 1] = high + ${EPOCH_WORDS[1]} + ((low >>> 0) < ${EPOCH_WORDS[0]} ? 1 : 0);
      }`,
    ),
  numeric: (i: number, { precision = 38, scale = 0 }: Field) =>
    `else if (size >= 8 && size <= to - at) {
      if (!readNumericWords(view, at, v${i}, row * 4, ${Number(precision)}, ${Number(scale)})) {
        unusual[${i}](input, at, v${i}, row * 4);
      }
      at += size;
    }`,
  bytes: (i: number) => writeBytes(i, 0),
  jsonb: (i: number) => writeBytes(i, 1),
  uuid: (i: number) =>
    `else if (size === 16) {
      ${growBytes(i, "36")}
      writeUUID(bytes, at, b${i}, e${i});
      at += 16;
      e${i} += 36;
    }`,
} as const;

/** Bytes behind `skip` others. */
function writeBytes(i: number, skip: number): string {
  return `else if (size >= ${skip} && size <= to - at) {
      ${skip > 0 ? `at += ${skip}; size -= ${skip};` : ""}
      ${putBytes(i)}
    }`;
}
