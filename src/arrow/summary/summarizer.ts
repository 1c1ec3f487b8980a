/** Summarizes batches: counts, totals and digests of their columns. */
import { type Data, DataType, type Decimal } from "apache-arrow";
import type { Batch } from "../../core/contracts/batch.ts";
import type { Field } from "../../models/field.ts";
import type { VerifyLevel } from "../../models/stream.ts";
import type { RowsSummary } from "../../models/summary.ts";
import { extendTotals, formatDigest, toSummary, type Totals } from "../../core/values/totals.ts";
import { byteLength } from "../batch.ts";
import { unscaledReader } from "../reader.ts";
import { textType } from "../schema.ts";
import { Kernel } from "./kernel.ts";

/** Bytes of text that are copied to the kernel at once; a longer value is copied in pieces. */
const PIECE_BYTES = 1 << 20;
/** Sign bit of 64 bits. */
const SIGN = -(1n << 63n);

/** The instance of this thread. It keeps nothing between two columns. */
let shared: Kernel | undefined;

type HashedTotals = Totals & { digest: bigint };

/** Bytes of values up to which rows are hashed in any case: that takes some hundredths of a second. */
export const SMALL_BYTES = 4 * 1024 * 1024;

/** Address of the lanes of rows that are not hashed. */
const NONE = 0;

/** Summarizes the batches of some fields; their order does not matter. */
export class Summarizer {
  #rows = 0;
  #bytes = 0;
  #digest = 0n;
  readonly #columns: HashedTotals[];

  /** @param level what is summarized of more than `SMALL_BYTES`: digests, only totals, or nothing */
  constructor(
    private readonly fields: readonly Field[],
    private readonly level: VerifyLevel = "full",
  ) {
    this.#columns = fields.map(() => ({ nulls: 0, digest: 0n }));
  }

  add(batch: Batch): void {
    const { data: { children }, numRows } = batch;
    this.#rows += numRows;
    this.#bytes += byteLength(batch);
    if (this.#level === "counts") return;
    const kernel = shared ??= new Kernel();
    const mark = kernel.mark();
    const lanes = this.#level === "full" ? kernel.allocate(numRows * 8) : NONE;
    this.fields.forEach((field, i) =>
      addColumn(kernel, this.#columns[i]!, field, children[i]!, lanes)
    );
    if (lanes !== NONE) this.#digest += kernel.run.sumRows(lanes, numRows);
    kernel.release(mark);
  }

  /** Returns the summary of all batches so far; without digests, or undefined, as the level says. */
  summarize(): RowsSummary | undefined {
    const level = this.#level;
    if (level === "counts") return undefined;
    const hashed = level === "full";
    return {
      rows: this.#rows,
      ...(hashed ? { digest: formatDigest(this.#digest) } : {}),
      columns: this.fields.map(({ name }, i) => {
        const { digest, ...totals } = this.#columns[i]!;
        return toSummary(name, hashed ? { ...totals, digest } : totals);
      }),
    };
  }

  get #level(): VerifyLevel {
    return this.#bytes <= SMALL_BYTES ? "full" : this.level;
  }
}

/** Returns a hash for each row of some columns. */
export function hashRows(
  fields: readonly Field[],
  columns: readonly Data[],
  rows: number,
): BigUint64Array {
  const kernel = shared ??= new Kernel();
  const mark = kernel.mark();
  const lanes = kernel.allocate(rows * 8);
  const unused = { nulls: 0, digest: 0n };
  fields.forEach((field, i) => addColumn(kernel, unused, field, columns[i]!, lanes));
  const { buffer, byteOffset, byteLength } = kernel.view(lanes, rows * 8);
  const hashes = new BigUint64Array(buffer.slice(byteOffset, byteOffset + byteLength));
  kernel.release(mark);
  return hashes;
}

function addColumn(
  kernel: Kernel,
  totals: HashedTotals,
  field: Field,
  data: Data,
  lanes: number,
): void {
  const { type, nullCount } = data;
  totals.nulls += nullCount;
  const mark = kernel.mark();
  const bits = nullCount === 0 ? 0 : kernel.copy(alignBits(data.nullBitmap, data));
  if (textType(type) !== undefined) addBytes(kernel, totals, data, bits, lanes);
  else if (DataType.isBool(type)) {
    if (lanes === NONE) return;
    const values = kernel.copy(alignBits(data.values as Uint8Array, data));
    totals.digest += kernel.run.hashBits(values, data.length, bits, lanes);
  } else if (DataType.isFloat(type)) addFloats(kernel, totals, data, bits, lanes);
  else if (DataType.isDecimal(type)) {
    addDecimals(kernel, totals, data as Data<Decimal>, bits, lanes);
  } else addIntegers(kernel, totals, field, data, bits, lanes);
  kernel.release(mark);
}

/** Returns a bitmap whose first bit is that of the first row. */
function alignBits(bitmap: Uint8Array, { offset, length }: Data): Uint8Array {
  const [first, shift, size] = [offset >> 3, offset & 7, (length + 7) >> 3];
  if (shift === 0) return bitmap.subarray(first, first + size);
  return Uint8Array.from(
    { length: size },
    (_, i) => (bitmap[first + i]! >> shift) | ((bitmap[first + i + 1] ?? 0) << (8 - shift)),
  );
}

function addIntegers(
  kernel: Kernel,
  totals: HashedTotals,
  { dtype }: Field,
  { values: stored, length }: Data,
  bits: number,
  lanes: number,
): void {
  const isWide = (stored as Int32Array).BYTES_PER_ELEMENT === 8;
  // Narrow and unsigned values are hashed as the signed words that hold them.
  const isNarrow = (stored as Int32Array).BYTES_PER_ELEMENT < 4;
  const isUnsigned = dtype === "uint32";
  const size = isWide || isUnsigned ? 8 : 4;
  const values = kernel.copy(
    isUnsigned
      ? BigInt64Array.from(stored as Uint32Array, BigInt)
      : isNarrow
      ? Int32Array.from(stored as Int8Array)
      : stored as Int32Array,
  );
  const { run } = kernel;
  if (lanes !== NONE) {
    totals.digest += size === 8
      ? run.hash64(values, 1, length, bits, lanes)
      : run.hash32(values, length, bits, lanes);
  }
  const out = kernel.allocate(32);
  const flip = dtype === "uint64" ? SIGN : 0n;
  if (run.totalIntegers(values, size, flip, length, bits, out) === 0) return;
  const view = kernel.view(out, 32);
  const read = (at: number) =>
    flip === 0n ? view.getBigInt64(at, true) : view.getBigUint64(at, true);
  const sum = view.getBigInt64(16, true) + (view.getBigInt64(24, true) << 32n);
  // Days and microseconds have no sum.
  const isNumber = /^u?int/.test(dtype);
  extendTotals(totals, { min: read(0), max: read(8), ...(isNumber ? { sum } : {}) });
}

function addFloats(
  kernel: Kernel,
  totals: HashedTotals,
  { values: stored, length }: Data,
  bits: number,
  lanes: number,
): void {
  const values = kernel.copy(stored as Float64Array);
  const size = (stored as Float64Array).BYTES_PER_ELEMENT;
  if (lanes !== NONE) totals.digest += kernel.run.hashFloats(values, size, length, bits, lanes);
  const out = kernel.allocate(16);
  // A sum of floats depends on the order of the rows.
  if (kernel.run.totalFloats(values, size, length, bits, out) === 0) return;
  const view = kernel.view(out, 16);
  extendTotals(totals, { min: view.getFloat64(0, true), max: view.getFloat64(8, true) });
}

function addDecimals(
  kernel: Kernel,
  totals: HashedTotals,
  data: Data<Decimal>,
  bits: number,
  lanes: number,
): void {
  const { length, type: { bitWidth } } = data;
  const values = kernel.copy(data.values);
  if (lanes !== NONE) {
    totals.digest += kernel.run.hash64(values, bitWidth / 64, length, bits, lanes);
  }
  if (bitWidth !== 128) return addWideDecimals(totals, data);
  const out = kernel.allocate(64);
  if (kernel.run.totalDecimals(values, length, bits, out) === 0) return;
  const view = kernel.view(out, 64);
  const read = (at: number) =>
    view.getBigUint64(at, true) | (view.getBigInt64(at + 8, true) << 64n);
  let sum = 0n;
  for (let word = 3; word >= 0; word--) sum = (sum << 32n) + view.getBigInt64(32 + word * 8, true);
  extendTotals(totals, { min: read(0), max: read(16), sum });
}

/** Decimals of more than 38 digits, which are rare. */
function addWideDecimals(totals: HashedTotals, data: Data<Decimal>): void {
  const read = unscaledReader(data);
  const { length, nullCount } = data;
  for (let row = 0; row < length; row++) {
    if (nullCount > 0 && !data.getValid(row)) continue;
    const value = read(row);
    extendTotals(totals, { min: value, max: value, sum: value });
  }
}

function addBytes(
  kernel: Kernel,
  totals: HashedTotals,
  data: Data,
  bits: number,
  lanes: number,
): void {
  const { length } = data;
  const offsets = (data.valueOffsets as Int32Array).subarray(0, length + 1);
  const bytes = data.values as Uint8Array;
  const { run } = kernel;
  const index = kernel.copy(offsets);
  if (length > data.nullCount) {
    extendTotals(totals, { sum: run.sumLengths(index, length, bits) });
  }
  if (lanes === NONE) return;
  for (let from = 0; from < length;) {
    let to = from + 1;
    while (to < length && offsets[to + 1]! - offsets[from]! <= PIECE_BYTES) to++;
    const mark = kernel.mark();
    const [start, end] = [offsets[from]!, offsets[to]!];
    const isLong = end - start > PIECE_BYTES;
    if (isLong && data.getValid(from)) {
      totals.digest += hashLong(kernel, bytes.subarray(start, end), from, lanes);
    } else {
      // The slot of a NULL may have bytes, which are not read.
      const values = kernel.copy(bytes.subarray(start, isLong ? start : end));
      totals.digest += run.hashBytes(values, index, from, to, bits, lanes);
    }
    kernel.release(mark);
    from = to;
  }
}

/** Hashes one value piece by piece. */
function hashLong(kernel: Kernel, value: Uint8Array, row: number, lanes: number): bigint {
  let state = kernel.run.beginBytes(BigInt(value.length));
  for (let at = 0; at < value.length; at += PIECE_BYTES) {
    const mark = kernel.mark();
    const piece = value.subarray(at, at + PIECE_BYTES);
    const address = kernel.copy(piece);
    state = kernel.run.absorbBytes(state, address, address + piece.length);
    kernel.release(mark);
  }
  return kernel.run.endBytes(state, row, lanes);
}
