/** Bitmaps of rows, least significant bit first, as in Arrow and Parquet. */

export function isSet(bits: Uint8Array, at: number): boolean {
  return (bits[at >> 3]! & (1 << (at & 7))) !== 0;
}

/** Sets `count` bits from `to`; may also set bits behind them. */
export function setBits(bits: Uint8Array, to: number, count: number): void {
  if (count === 0) return;
  if ((to & 7) !== 0) bits[to >> 3]! |= 0xff << (to & 7);
  bits.fill(0xff, (to + 7) >> 3, (to + count + 7) >> 3);
}

/** Copies `count` bits; may also change bits behind them. */
export function copyBits(
  from: Uint8Array,
  start: number,
  bits: Uint8Array,
  to: number,
  count: number,
): void {
  if (((start | to) & 7) === 0) {
    bits.set(from.subarray(start >> 3, (start + count + 7) >> 3), to >> 3);
    return;
  }
  for (let i = 0; i < count; i++) {
    const mask = 1 << ((to + i) & 7);
    if (isSet(from, start + i)) bits[(to + i) >> 3]! |= mask;
    else bits[(to + i) >> 3]! &= ~mask;
  }
}

/** Writes the numbers of the set rows, counted from `first`, to `rows`; returns their count. */
export function listSetRows(
  bits: Uint8Array,
  start: number,
  count: number,
  rows: Int32Array,
  first: number,
): number {
  let found = 0;
  for (let i = 0; i < count; i++) {
    const at = start + i;
    rows[found] = first + i;
    found += bits[at >> 3]! >> (at & 7) & 1;
  }
  return found;
}

/** Counts the set bits among the first `count`. */
export function countBits(bits: Uint8Array, count: number): number {
  let set = 0;
  const whole = count >> 3;
  for (let i = 0; i < whole; i++) set += ONES[bits[i]!]!;
  return (count & 7) === 0 ? set : set + ONES[bits[whole]! & ((1 << (count & 7)) - 1)]!;
}

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1;
  return ones;
});

/** Unpacks numbers of `width` bits, lowest bit first, into `out`, starting at bit `bit`. */
export function unpackBits(
  bytes: Uint8Array,
  bit: number,
  width: number,
  out: Int32Array,
  from: number,
  to: number,
): void {
  const mask = width === 32 ? -1 : (1 << width) - 1;
  let at = Math.floor(bit / 8);
  let used = bit % 8;
  for (let i = from; i < to; i++) {
    let value = 0;
    for (let bits = 0; bits < width;) {
      value |= bytes[at]! >> used << bits;
      const size = Math.min(8 - used, width - bits);
      bits += size;
      used += size;
      if (used === 8) {
        used = 0;
        at++;
      }
    }
    out[i] = value & mask;
  }
}
