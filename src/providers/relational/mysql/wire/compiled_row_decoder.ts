/**
 * Rows of the binary format → columns, by a function that is generated for the types of the columns:
 * straight-line, without an object for a value. Its source is made of numbers alone, never of a name or a
 * value from outside. Columns that need a conversion come as text and go through their `Decode`.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html
 */
import type { Column } from "../../../../arrow/mod.ts";
import { ValueError } from "../../../../core/errors.ts";
import type { Field } from "../../../../models/field.ts";
import { compileFunction } from "../../values/compiled_functions.ts";
import {
  declareColumn,
  type DirectBuffers,
  type DirectColumns,
  endText,
  MAX_GENERATED,
  putBytes,
  putNull,
  returnColumn,
} from "../../values/direct_columns.ts";
import type { Reach } from "../../values/row_batches.ts";
import { readBits, readDay, readDecimal, readTime, readTimestamp } from "./binary_values.ts";
import type { DirectKind } from "./column_types.ts";
import { HEADER, LONGEST_FRAME, type PacketBuffer } from "./packets.ts";

/** Takes a value that is text, and converts it. */
export type Decode = (bytes: Uint8Array, at: number, size: number) => void;

/** How a column is read: by the generated function, or as text. */
export type ColumnReading = DirectKind | Decode;

/** Where the next row is, in the payload of a packet. */
export interface PacketReach extends Reach {
  /** Number of the frame behind it. */
  sequence: number;
}

/** What the generated function works with. */
interface Scope {
  readonly buffers: readonly (DirectBuffers | undefined)[];
  readonly nulls: Int32Array;
  readonly columns: readonly Column[];
  readonly fields: readonly Field[];
  readonly decoders: readonly (Decode | undefined)[];
  readonly readBits: typeof readBits;
  readonly readDay: typeof readDay;
  readonly readDecimal: typeof readDecimal;
  readonly readTime: typeof readTime;
  readonly readTimestamp: typeof readTimestamp;
  readonly refuseFlag: typeof refuseFlag;
}

/** Reads all columns of all complete rows in the input. */
type ReadRows = (scope: Scope, reach: PacketReach, input: PacketBuffer, end: number) => number;

/** Reads some columns of one row, whose bits of NULL are at `base`. */
type ReadPart = (scope: Scope, reach: PacketReach, input: PacketBuffer, base: number) => number;

export class CompiledRowDecoder {
  /** Undefined where the columns are too many for one function. */
  readonly #readRows: ReadRows | undefined;
  readonly #parts: readonly ReadPart[];
  readonly #scope: Scope;

  constructor(
    fields: readonly Field[],
    private readonly readings: readonly ColumnReading[],
    { buffers, nulls, columns }: DirectColumns,
  ) {
    this.#scope = {
      buffers,
      nulls,
      columns,
      fields,
      decoders: readings.map((reading) => typeof reading === "function" ? reading : undefined),
      readBits,
      readDay,
      readDecimal,
      readTime,
      readTimestamp,
      refuseFlag,
    };
    const isNarrow = readings.length <= MAX_GENERATED;
    this.#readRows = isNarrow
      ? compileFunction<ReadRows>(["scope", "reach", "input", "end"], rowsBody(readings, fields))
      : undefined;
    const starts = readings.flatMap((_, i) => !isNarrow && i % MAX_GENERATED === 0 ? [i] : []);
    this.#parts = starts.map((start) =>
      compileFunction<ReadPart>(
        ["scope", "reach", "input", "base"],
        partBody(readings, fields, start),
      )
    );
  }

  /**
   * Reads the row of `reach`, and those of the whole packets behind it while there is room. Afterwards
   * `reach.at` is where the next packet begins.
   *
   * @param end where the last packet ends that it may look at
   * @returns -1, or the column whose value does not fit its row
   */
  run(reach: PacketReach, input: PacketBuffer, end: number): number {
    return this.#readRows?.(this.#scope, reach, input, end) ?? this.#readRow(reach, input);
  }

  #readRow(reach: PacketReach, input: PacketBuffer): number {
    const count = this.readings.length;
    const base = reach.at + 1;
    reach.bytes -= reach.to - reach.at;
    reach.at = base + nullBytes(count);
    if (reach.at > reach.to) return count;
    for (const part of this.#parts) {
      const wrong = part(this.#scope, reach, input, base);
      if (wrong >= 0) return wrong;
    }
    if (reach.at !== reach.to) return count;
    reach.row++;
    return -1;
  }
}

function refuseFlag(field: Field, value: number): never {
  throw new ValueError(
    `expected 0 or 1 in a tinyint(1), "dtype: int8" in fields reads it as a number`,
    field.name,
    undefined,
    value,
  );
}

/** Bytes of the bits of NULL, which begin at the third. */
function nullBytes(columns: number): number {
  return (columns + 9) >> 3;
}

const NAMES = `"use strict";
  const { buffers, nulls, columns, fields, decoders, readBits, readDay, readDecimal, readTime,
    readTimestamp, refuseFlag } = scope;
  const { bytes, view } = input;`;

function partBody(
  readings: readonly ColumnReading[],
  fields: readonly Field[],
  start: number,
): string {
  const part = readings.slice(start, start + MAX_GENERATED);
  return `${NAMES}
  const { to, row } = reach;
  let { at } = reach;
  let size = 0;
  ${
    part.map((reading, i) =>
      typeof reading === "function" ? "" : declareColumn(start + i, reading === "bytes")
    ).join(
      "",
    )
  }
  ${part.map((reading, i) => column(reading, fields[start + i]!, start + i)).join("")}
  reach.at = at;
  return -1;`;
}

function rowsBody(readings: readonly ColumnReading[], fields: readonly Field[]): string {
  const count = readings.length;
  return `${NAMES}
  const { capacity } = reach;
  let { at, to, row, sequence, bytes: room } = reach;
  let size = 0, base = 0;
  ${
    readings.map((reading, i) =>
      typeof reading === "function" ? "" : declareColumn(i, reading === "bytes")
    ).join("")
  }
  for (;;) {
    reach.row = row;
    room -= to - at;
    base = at + 1;
    at = base + ${nullBytes(count)};
    if (at > to) ${returnColumn(count)}
    ${readings.map((reading, i) => column(reading, fields[i]!, i)).join("")}
    if (at !== to) ${returnColumn(count)}
    row++;
    if (row === capacity || room <= 0 || end - to < ${HEADER + 1}) break;
    size = bytes[to] | bytes[to + 1] << 8 | bytes[to + 2] << 16;
    if (size === 0 || size === ${LONGEST_FRAME} || size > end - to - ${HEADER}) break;
    if (bytes[to + 3] !== sequence || bytes[to + ${HEADER}] !== 0) break;
    sequence = (sequence + 1) & 255;
    at = to + ${HEADER};
    to = at + size;
  }
  reach.row = row;
  reach.at = to;
  reach.sequence = sequence;
  reach.bytes = room;
  return -1;`;
}

function column(reading: ColumnReading, field: Field, i: number): string {
  const isNull = `(bytes[base + ${(i + 2) >> 3}] & ${1 << ((i + 2) & 7)}) !== 0`;
  if (typeof reading === "function") {
    return `
    if (${isNull}) columns[${i}].pushNull();
    else {
      ${sized(i)}
      decoders[${i}](bytes, at, size);
      at += size;
    }`;
  }
  const end = reading === "bytes" ? endText(i) : "";
  return `
    if (${isNull}) {
      ${putNull(i)}
    } else {
      ${VALUES[reading](i, field)}
    }
    ${end}`;
}

/** Reads the length of a value; it may be lied about. */
function sized(i: number): string {
  return `size = bytes[at++];
      if (size > 250) {
        if (size === 252) { size = view.getUint16(at, true); at += 2; }
        else if (size === 253) { size = view.getUint16(at, true) | bytes[at + 2] << 16; at += 3; }
        else if (size === 254 && view.getUint32(at + 4, true) === 0) {
          size = view.getUint32(at, true);
          at += 8;
        } else ${returnColumn(i)}
      }
      if (size > to - at) ${returnColumn(i)}`;
}

/** A length in one byte, for dates and times. */
const short = (i: number, read: string) =>
  `size = bytes[at++];
      if (size > to - at) ${returnColumn(i)}
      ${read}
      at += size;`;

/** Code for a value that is not NULL. Reading beyond the row is found at its end. */
const VALUES: Readonly<Record<DirectKind, (i: number, field: Field) => string>> = {
  int8: (i) => `v${i}[row] = bytes[at]; at += 1;`,
  int16: (i) => `v${i}[row] = view.getInt16(at, true); at += 2;`,
  int32: (i) => `v${i}[row] = view.getInt32(at, true); at += 4;`,
  int64: (i) =>
    `v${i}[row * 2] = view.getInt32(at, true);
      v${i}[row * 2 + 1] = view.getInt32(at + 4, true);
      at += 8;`,
  float32: (i) => `v${i}[row] = view.getFloat32(at, true); at += 4;`,
  float64: (i) => `v${i}[row] = view.getFloat64(at, true); at += 8;`,
  flag: (i) =>
    `size = bytes[at++];
      if (size === 1) v${i}[row >> 3] |= 1 << (row & 7);
      else if (size !== 0) refuseFlag(fields[${i}], size << 24 >> 24);`,
  bit: (i) =>
    `if (bytes[at] !== 1) ${returnColumn(i)}
      if (bytes[at + 1] !== 0) v${i}[row >> 3] |= 1 << (row & 7);
      at += 2;`,
  bits: (i) => short(i, `readBits(bytes, at, size, v${i}, row * 2);`),
  date: (i) => short(i, `v${i}[row] = readDay(view, at, size, fields[${i}]);`),
  time: (i) => short(i, `readTime(view, at, size, fields[${i}], v${i}, row * 2);`),
  timestamp: (i) => short(i, `readTimestamp(view, at, size, fields[${i}], v${i}, row * 2);`),
  decimal: (i, { precision = 38 }) => {
    const width = precision <= 38 ? 4 : 8;
    return short(
      i,
      `readDecimal(bytes, at, size, fields[${i}], v${i}, row * ${width}, ${width});`,
    );
  },
  bytes: (i) =>
    `${sized(i)}
      ${putBytes(i)}`,
};
