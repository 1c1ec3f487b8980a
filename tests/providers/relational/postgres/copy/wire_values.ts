/** Values and rows as the server sends them in COPY's binary format, and how a test reads them. */
import fc from "fast-check";
import type { Batch } from "../../../../../src/core/contracts/batch.ts";
import type { Field } from "../../../../../src/models/field.ts";
import { GuardedConnection } from "../../../../../src/providers/transport/guarded_connection.ts";
import { MessageChannel } from "../../../../../src/providers/relational/postgres/wire/message_channel.ts";
import { CopyOut } from "../../../../../src/providers/relational/postgres/wire/copy_out.ts";
import type { ColumnDecoder } from "../../../../../src/providers/relational/postgres/copy/column_decoders.ts";
import { MessageBuffer } from "../../../../../src/providers/relational/postgres/wire/message_buffer.ts";
import {
  encodeCString,
  MESSAGE,
  message,
} from "../../../../../src/providers/relational/postgres/wire/messages.ts";
import { writeNumeric } from "../../../../../src/providers/relational/postgres/copy/numeric.ts";
import {
  COPY_HEADER,
  RowDecoder,
} from "../../../../../src/providers/relational/postgres/copy/row_decoder.ts";

function bytesOf(size: number, put: (view: DataView) => void): Uint8Array {
  const bytes = new Uint8Array(size);
  put(new DataView(bytes.buffer));
  return bytes;
}

const int16 = fc.integer({ min: -32768, max: 32767 })
  .map((n) => bytesOf(2, (view) => view.setInt16(0, n)));
const int32 = edges([-(2 ** 31), 2 ** 31 - 1, 0, -1, 1], fc.integer())
  .map((n) => bytesOf(4, (view) => view.setInt32(0, n)));
const big = (min: bigint, max: bigint) =>
  edges([min, max, 0n, -1n, 1n, 0xffffffffn, 0x100000000n], fc.bigInt({ min, max }))
    .filter((n) => n >= min && n <= max)
    .map((n) => bytesOf(8, (view) => view.setBigInt64(0, n)));
const [LOW, HIGH] = [-(2n ** 63n), 2n ** 63n - 1n];
const bytes = (most: number) =>
  fc.oneof(
    { weight: 9, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: most }) },
  );

/** Anything but U+0000. */
const text = (most: number) => bytes(most).map((value) => value.map((byte) => byte || 1));

function edges<T>(values: readonly T[], others: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 3, arbitrary: others },
    { weight: 1, arbitrary: fc.constantFrom(...values) },
  );
}

/** A numeric; the server leaves out groups of zeros at both ends. */
export function numericBytes(unscaled: bigint, scale: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(200));
  writeNumeric(view, 0, unscaled, scale);
  let count = view.getInt16(0);
  while (count > 0 && view.getInt16(6 + count * 2) === 0) count--;
  view.setInt16(0, count);
  return new Uint8Array(view.buffer, 0, 8 + count * 2).slice();
}

const SPECIAL = [0xc000, 0xd000, 0xf000].map((sign) =>
  bytesOf(8, (view) => view.setUint16(4, sign))
);

function numeric(digits: number, scale: number): fc.Arbitrary<Uint8Array> {
  const most = 10n ** BigInt(digits) - 1n;
  const value = fc.tuple(
    fc.bigInt({ min: -most, max: most }),
    fc.integer({ min: 0, max: digits }),
    fc.integer({ min: 0, max: digits }),
  ).map(([value, less, zeros]) => {
    const kept = value / 10n ** BigInt(less);
    return kept - kept % 10n ** BigInt(zeros);
  });
  return value.map((unscaled) => numericBytes(unscaled, scale));
}

/** Wire forms by native type: all that are values, and some that the field's type refuses. */
export const WIRE: Readonly<Record<string, fc.Arbitrary<Uint8Array>>> = {
  "smallint": int16,
  "integer": int32,
  "bigint": big(LOW, HIGH),
  "real": fc.float().map((n) => bytesOf(4, (view) => view.setFloat32(0, n))),
  "double precision": fc.double().map((n) => bytesOf(8, (view) => view.setFloat64(0, n))),
  "boolean": fc.constantFrom(Uint8Array.of(0), Uint8Array.of(1)),
  "date": fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: -2_451_545, max: 2_145_031_948 }) },
    { weight: 1, arbitrary: fc.constantFrom(-(2 ** 31), 2 ** 31 - 1) },
  ).map((n) => bytesOf(4, (view) => view.setInt32(0, n))),
  "time without time zone": big(0n, 86_399_999_999n),
  "timestamp without time zone": big(-211_813_488_000_000_000n, 9_222_000_000_000_000_000n),
  "timestamp with time zone": fc.oneof(
    big(-211_813_488_000_000_000n, 9_222_000_000_000_000_000n),
    fc.constantFrom(LOW, HIGH).map((n) => bytesOf(8, (view) => view.setBigInt64(0, n))),
  ),
  "numeric(12,2)": numeric(12, 2),
  "numeric(18,6)": numeric(18, 6),
  "numeric(38,0)": numeric(38, 0),
  "numeric(38,10)": numeric(38, 10),
  "numeric(76,38)": numeric(76, 38),
  "text": text(1000),
  "json": text(10),
  "bytea": bytes(1000),
  "jsonb": text(300).map((value) => Uint8Array.of(1, ...value)),
  "uuid": fc.uint8Array({ minLength: 16, maxLength: 16 }),
};

/** Wire forms of values that the natural field of a type refuses. */
export const REFUSED: Readonly<Record<string, fc.Arbitrary<Uint8Array>>> = {
  "time without time zone": fc.constant(
    bytesOf(8, (view) => view.setBigInt64(0, 86_400_000_000n)),
  ),
  "timestamp without time zone": big(HIGH - 946_684_800_000_000n, HIGH - 1n),
  "numeric(12,2)": fc.oneof(
    fc.constantFrom(...SPECIAL),
    fc.bigInt({ min: 10n ** 12n, max: 10n ** 40n }).map((value) => numericBytes(value, 2)),
    fc.integer({ min: 1, max: 9 }).map((value) => numericBytes(BigInt(value), 3)),
  ),
  "numeric(38,10)": fc.oneof(
    fc.constantFrom(...SPECIAL),
    fc.bigInt({ min: 10n ** 38n, max: 10n ** 60n }).map((value) => numericBytes(value, 10)),
    fc.integer({ min: 1, max: 9 }).map((value) => numericBytes(BigInt(value), 11)),
  ),
};

/** A row's bytes; a null is NULL. */
export function rowBytes(values: readonly (Uint8Array | null)[]): Uint8Array {
  const size = values.reduce((sum, value) => sum + 4 + (value?.length ?? 0), 2);
  return bytesOf(size, (view) => {
    const into = new Uint8Array(view.buffer);
    view.setInt16(0, values.length);
    let at = 2;
    for (const value of values) {
      view.setInt32(at, value === null ? -1 : value.length);
      if (value !== null) into.set(value, at + 4);
      at += 4 + (value?.length ?? 0);
    }
  });
}

export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** All that the server sends for a COPY TO STDOUT of these rows. */
export function copyStream(rows: readonly Uint8Array[]): Uint8Array {
  const [first, ...others] = [...rows, Uint8Array.of(255, 255)];
  return joined(
    message(MESSAGE.copyData, COPY_HEADER, first!),
    ...others.map((row) => message(MESSAGE.copyData, row)),
    message(MESSAGE.copyDone),
    message(MESSAGE.commandComplete, encodeCString(`COPY ${rows.length}`)),
    message(MESSAGE.ready, Uint8Array.of(0x54)),
  );
}

/** Reads such a stream, which comes in pieces of the given sizes in turn. */
export async function decodeStream(
  stream: Uint8Array,
  fields: readonly Field[],
  readings: readonly ColumnDecoder[],
  options: { cuts?: readonly number[]; rows?: number; bytes?: number } = {},
): Promise<Batch[]> {
  const { cuts = [65_536], rows = 1000, bytes = 1 << 22 } = options;
  let [at, turn] = [0, 0];
  const socket = {
    read(into: Uint8Array) {
      const size = Math.min(cuts[turn++ % cuts.length]!, into.length, stream.length - at);
      into.set(stream.subarray(at, at + size));
      at += size;
      return Promise.resolve(size === 0 ? null : size);
    },
    write: () => Promise.resolve(),
    close() {},
  };
  const connection = new GuardedConnection(socket, {
    system: "PostgreSQL",
    address: "test",
    connect_timeout: 5,
    inactivity_timeout: 5,
  });
  const out = new CopyOut(new MessageChannel(connection, new MessageBuffer(socket), false));
  const task = {
    projections: fields.map((field) => ({ field, column: field.name })),
    batchRows: rows,
    batchBytes: bytes,
  };
  const decoder = new RowDecoder(task, readings);
  const batches: Batch[] = [];
  let room = true;
  while (await out.read((input, from, to) => room = decoder.push(input, from, to))) {
    if (!room) batches.push(decoder.take());
    room = true;
  }
  if (!decoder.isEmpty) batches.push(decoder.take());
  return batches;
}

/** The raw buffers of batches. */
export function buffersOf(batches: readonly Batch[]): unknown {
  return batches.map(({ numRows, data: { children } }) => ({
    numRows,
    columns: children.map(({ length, nullCount, nullBitmap, valueOffsets, values }) => ({
      length,
      nullCount,
      nulls: nullCount === 0
        ? []
        : Array.from({ length }, (_, row) => (nullBitmap[row >> 3]! >> (row & 7)) & 1),
      valueOffsets: valueOffsets === undefined ? [] : [...valueOffsets],
      values,
    })),
  }));
}
