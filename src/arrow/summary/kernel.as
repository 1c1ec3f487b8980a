// The loops over column values that summaries need, in AssemblyScript: 64-bit arithmetic takes a fifth of the time
// that JavaScript needs. `deno task gen` compiles this file to kernel.gen.ts.
//
// All arguments are addresses in the kernel's memory, except for lengths and widths. `bits` is the address of the
// bitmap of rows that are not NULL, or 0 without NULLs. `lanes` has the hash of each row so far.
// Mixing steps and multipliers: SplitMix64, https://prng.di.unimi.it/splitmix64.c

const START: u64 = 0x9e3779b97f4a7c15;
const ABSORB: u64 = 0xbf58476d1ce4e5b9;
const FINISH: u64 = 0x94d049bb133111eb;
/** What a row takes of NULL. */
const NULL: u64 = 0xd6e8feb86659fd93;
const NAN: u64 = 0x7ff8000000000000;

// @ts-ignore: decorator
@inline
function isNull(bits: usize, row: i32): bool {
  return bits != 0 && (load<u8>(bits + (row >> 3)) & (1 << (row & 7))) == 0;
}

// @ts-ignore: decorator
@inline
function absorb(state: u64, word: u64): u64 {
  const mixed = (state ^ word) * ABSORB;
  return mixed ^ (mixed >> 29);
}

// @ts-ignore: decorator
@inline
function finish(state: u64): u64 {
  const mixed = (state ^ (state >> 32)) * FINISH;
  return mixed ^ (mixed >> 29);
}

// @ts-ignore: decorator
@inline
function addToRow(lanes: usize, row: i32, hash: u64): void {
  const lane = lanes + (<usize> row << 3);
  store<u64>(lane, rotl((load<u64>(lane) ^ hash) * START, 31));
}

// @ts-ignore: decorator
@inline
function hashWord(lanes: usize, row: i32, word: u64): u64 {
  const hash = finish(absorb(START, word));
  addToRow(lanes, row, hash);
  return hash;
}

/** Hashes values of 32 bits, sign-extended. */
export function hash32(values: usize, length: i32, bits: usize, lanes: usize): u64 {
  let sum: u64 = 0;
  for (let row = 0; row < length; row++, values += 4) {
    if (isNull(bits, row)) addToRow(lanes, row, NULL);
    else sum += hashWord(lanes, row, <u64> (<i64> load<i32>(values)));
  }
  return sum;
}

/** Hashes values of `width` words of 64 bits. */
export function hash64(values: usize, width: i32, length: i32, bits: usize, lanes: usize): u64 {
  let sum: u64 = 0;
  const size = <usize> width << 3;
  for (let row = 0; row < length; row++, values += size) {
    if (isNull(bits, row)) {
      addToRow(lanes, row, NULL);
      continue;
    }
    let state = START;
    for (let at: usize = 0; at < size; at += 8) state = absorb(state, load<u64>(values + at));
    const hash = finish(state);
    sum += hash;
    addToRow(lanes, row, hash);
  }
  return sum;
}

/** The bits of a double: −0 as 0, and one NaN. */
// @ts-ignore: decorator
@inline
function floatBits(value: f64): u64 {
  if (value != value) return NAN;
  return value == 0 ? 0 : reinterpret<u64>(value);
}

/** Hashes doubles, or floats as doubles. */
export function hashFloats(values: usize, size: i32, length: i32, bits: usize, lanes: usize): u64 {
  let sum: u64 = 0;
  for (let row = 0; row < length; row++, values += size) {
    if (isNull(bits, row)) {
      addToRow(lanes, row, NULL);
      continue;
    }
    const value = size == 4 ? <f64> load<f32>(values) : load<f64>(values);
    sum += hashWord(lanes, row, floatBits(value));
  }
  return sum;
}

/** Hashes booleans, a bit each. */
export function hashBits(values: usize, length: i32, bits: usize, lanes: usize): u64 {
  let sum: u64 = 0;
  for (let row = 0; row < length; row++) {
    if (isNull(bits, row)) addToRow(lanes, row, NULL);
    else sum += hashWord(lanes, row, <u64> (load<u8>(values + (row >> 3)) >> (<u8> row & 7)) & 1);
  }
  return sum;
}

/** The state in which the bytes of a value begin. */
export function beginBytes(length: u64): u64 {
  return START ^ length;
}

/** Absorbs bytes; a value that comes in pieces has a multiple of 8 in each but the last. */
export function absorbBytes(state: u64, at: usize, end: usize): u64 {
  for (; at + 8 <= end; at += 8) state = absorb(state, load<u64>(at));
  if (at == end) return state;
  let word: u64 = 0;
  for (; at < end; at++) word = (word << 8) | load<u8>(at);
  return absorb(state, word);
}

/** Ends the bytes of a value of one row. */
export function endBytes(state: u64, row: i32, lanes: usize): u64 {
  const hash = finish(state);
  addToRow(lanes, row, hash);
  return hash;
}

/** Hashes texts or bytes. `values` is the address of the first value, whose offset is `offsets[0]`. */
export function hashBytes(
  values: usize,
  offsets: usize,
  from: i32,
  to: i32,
  bits: usize,
  lanes: usize,
): u64 {
  let sum: u64 = 0;
  const base = values - load<u32>(offsets + (<usize> from << 2));
  for (let row = from; row < to; row++) {
    if (isNull(bits, row)) {
      addToRow(lanes, row, NULL);
      continue;
    }
    const entry = offsets + (<usize> row << 2);
    const at = base + load<u32>(entry);
    const end = base + load<u32>(entry + 4);
    sum += endBytes(absorbBytes(beginBytes(end - at), at, end), row, lanes);
  }
  return sum;
}

/** Sum of the lengths of texts or bytes, whose first offset is at `offsets`. */
export function sumLengths(offsets: usize, length: i32, bits: usize): u64 {
  if (bits == 0) return load<u32>(offsets + (<usize> length << 2)) - load<u32>(offsets);
  let sum: u64 = 0;
  for (let row = 0; row < length; row++, offsets += 4) {
    // The slot of a NULL may have bytes.
    if (!isNull(bits, row)) sum += load<u32>(offsets + 4) - load<u32>(offsets);
  }
  return sum;
}

/** Sum of the hashes of whole rows. */
export function sumRows(lanes: usize, length: i32): u64 {
  let sum: u64 = 0;
  for (const end = lanes + (<usize> length << 3); lanes < end; lanes += 8) {
    sum += finish(load<u64>(lanes));
  }
  return sum;
}

/**
 * Lowest and highest value of integers, and the sums of their low and high 32 bits, which do not overflow; written
 * to `out`. `flip` is the sign bit for unsigned values of 64 bits, else 0: it makes their order that of signed ones.
 *
 * @returns the number of values
 */
export function totalIntegers(
  values: usize,
  size: i32,
  flip: i64,
  length: i32,
  bits: usize,
  out: usize,
): i32 {
  let min = i64.MAX_VALUE;
  let max = i64.MIN_VALUE;
  let low: i64 = 0;
  let high: i64 = 0;
  let count = 0;
  for (let row = 0; row < length; row++, values += size) {
    if (isNull(bits, row)) continue;
    const value = size == 4 ? <i64> load<i32>(values) : load<i64>(values);
    const order = value ^ flip;
    if (order < min) min = order;
    if (order > max) max = order;
    low += value & 0xffffffff;
    high += flip == 0 ? value >> 32 : <i64> (<u64> value >> 32);
    count++;
  }
  store<i64>(out, min ^ flip);
  store<i64>(out + 8, max ^ flip);
  store<i64>(out + 16, low);
  store<i64>(out + 24, high);
  return count;
}

/**
 * Lowest and highest value of decimals of 128 bits, low word first, and the sums of their four words of 32 bits, the
 * highest one signed; written to `out`.
 *
 * @returns the number of values
 */
export function totalDecimals(values: usize, length: i32, bits: usize, out: usize): i32 {
  let minLow: u64 = u64.MAX_VALUE;
  let minHigh = i64.MAX_VALUE;
  let maxLow: u64 = 0;
  let maxHigh = i64.MIN_VALUE;
  let a: i64 = 0;
  let b: i64 = 0;
  let c: i64 = 0;
  let d: i64 = 0;
  let count = 0;
  for (let row = 0; row < length; row++, values += 16) {
    if (isNull(bits, row)) continue;
    const low = load<u64>(values);
    const high = load<i64>(values + 8);
    if (high < minHigh || (high == minHigh && low < minLow)) {
      minLow = low;
      minHigh = high;
    }
    if (high > maxHigh || (high == maxHigh && low > maxLow)) {
      maxLow = low;
      maxHigh = high;
    }
    a += low & 0xffffffff;
    b += low >> 32;
    c += high & 0xffffffff;
    d += high >> 32;
    count++;
  }
  store<u64>(out, minLow);
  store<i64>(out + 8, minHigh);
  store<u64>(out + 16, maxLow);
  store<i64>(out + 24, maxHigh);
  store<i64>(out + 32, a);
  store<i64>(out + 40, b);
  store<i64>(out + 48, c);
  store<i64>(out + 56, d);
  return count;
}

/**
 * Lowest and highest number of floats; NaN does not count. Written to `out`.
 *
 * @returns the number of values that are numbers
 */
export function totalFloats(values: usize, size: i32, length: i32, bits: usize, out: usize): i32 {
  let min = Infinity;
  let max = -Infinity;
  let count = 0;
  for (let row = 0; row < length; row++, values += size) {
    if (isNull(bits, row)) continue;
    const value = size == 4 ? <f64> load<f32>(values) : load<f64>(values);
    if (value != value) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    count++;
  }
  store<f64>(out, min + 0);
  store<f64>(out + 8, max + 0);
  return count;
}
