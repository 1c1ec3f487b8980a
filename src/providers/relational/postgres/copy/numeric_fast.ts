/**
 * numeric in COPY's binary format ↔ decimals of up to 38 digits as four words of 32 bits, lowest
 * first, without a bigint. `numeric.ts` describes the format.
 */
const NEGATIVE = 0x4000;
const WORD = 2 ** 32;
const POWERS = Float64Array.from({ length: 8 }, (_, i) => 10 ** i);
/** Digits that a double always holds exactly. */
const EXACT = 15;

/**
 * Reads the numeric at `at` into the words from `to` on, which are zero: its value times 10^scale.
 *
 * @returns false when it is no number, not whole then, needs more than `precision` digits, or is
 * written as no server does
 */
export function readNumericWords(
  view: DataView,
  at: number,
  words: Int32Array,
  to: number,
  precision: number,
  scale: number,
): boolean {
  const count = view.getInt16(at);
  const sign = view.getUint16(at + 4);
  if (sign !== 0 && sign !== NEGATIVE) return false;
  if (count === 0) return true;
  const first = view.getInt16(at + 8);
  // Powers of ten that the last group of digits is worth.
  const shift = 4 * (view.getInt16(at + 2) - count + 1) + scale;
  const digits = 4 * count - 4 + shift +
    (first >= 1000 ? 4 : first >= 100 ? 3 : first >= 10 ? 2 : 1);
  if (first <= 0 || shift <= -4 || digits > precision) return false;
  const last = at + 6 + 2 * count;
  let part = view.getInt16(last);
  let factor = 10_000;
  if (shift < 0) {
    const unit = POWERS[-shift]!;
    const whole = Math.trunc(part / unit);
    if (whole * unit !== part) return false;
    part = whole;
    factor = POWERS[4 + shift]!;
  }
  // Three groups are below 10^12.
  let head = count === 1 ? 0 : first;
  let group = count === 1 ? last : at + 10;
  for (const end = digits <= EXACT ? last : Math.min(last, at + 14); group < end; group += 2) {
    head = head * 10_000 + view.getInt16(group);
  }
  if (digits <= EXACT && shift < POWERS.length) {
    let value = head * factor + part;
    if (shift > 0) value *= POWERS[shift]!;
    const high = (value / WORD) | 0;
    put(words, to, sign, value - high * WORD, high, 0, 0);
    return true;
  }
  let w1 = Math.floor(head / WORD);
  let w0 = head - w1 * WORD;
  let [w2, w3] = [0, 0];
  // Then every other one, the last one, and the powers of ten that are left.
  for (let power = shift;;) {
    const isGroup = group < last;
    const times = isGroup ? 10_000 : group === last ? factor : POWERS[Math.min(power, 4)]!;
    let carry = isGroup ? view.getInt16(group) : group === last ? part : 0;
    if (group > last) {
      if (power <= 0) break;
      power -= 4;
    }
    group += 2;
    // Below 2^46: exact.
    let product = w0 * times + carry;
    carry = Math.floor(product / WORD);
    w0 = product - carry * WORD;
    product = w1 * times + carry;
    carry = Math.floor(product / WORD);
    w1 = product - carry * WORD;
    if (digits < 19) continue;
    product = w2 * times + carry;
    carry = Math.floor(product / WORD);
    w2 = product - carry * WORD;
    w3 = w3 * times + carry;
  }
  put(words, to, sign, w0, w1, w2, w3);
  return true;
}

/** Puts a magnitude, or its two's complement. */
function put(
  words: Int32Array,
  to: number,
  sign: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): void {
  words[to] = w0;
  words[to + 1] = w1;
  words[to + 2] = w2;
  words[to + 3] = w3;
  if (sign === 0) return;
  let carry = 1;
  for (let i = to; i < to + 4; i++) {
    words[i] = ~words[i]! + carry;
    if (words[i] !== 0) carry = 0;
  }
}

/** Longest numeric of 38 digits: its head, and groups of four on both sides of the point. */
export const NUMERIC_BYTES = 8 + 2 * 11;

/** Groups of digits, lowest first. */
const groups = new Int32Array(12);
const magnitude = new Float64Array(4);

/**
 * Writes the decimal in four words from `from` on as a numeric.
 *
 * @returns how many bytes it took
 */
export function writeNumericWords(
  words: Int32Array,
  from: number,
  scale: number,
  view: DataView,
  at: number,
): number {
  const top = words[from + 3]!;
  const middle = words[from + 1]!;
  const isShort = top === words[from + 2] && top === middle >> 31;
  const value = middle * WORD + (words[from]! >>> 0);
  // The digits behind the point fill whole groups of four.
  const padding = POWERS[(4 - scale % 4) % 4]!;
  const count = isShort && value < SHORT && value > -SHORT
    ? shortGroups(Math.abs(value), padding)
    : longGroups(words, from, padding);
  let first = count - 1;
  while (first >= 0 && groups[first] === 0) first--;
  let last = 0;
  while (last < first && groups[last] === 0) last++;
  const written = first < 0 ? 0 : first - last + 1;
  view.setInt16(at, written);
  view.setInt16(at + 2, written === 0 ? 0 : first - Math.ceil(scale / 4));
  view.setInt16(at + 4, top < 0 ? NEGATIVE : 0);
  view.setInt16(at + 6, scale);
  let to = at + 8;
  for (let i = first; i >= last; i--, to += 2) view.setInt16(to, groups[i]!);
  return to - at;
}

/** Doubles below hold every integer. */
const SHORT = 2 ** 53;
const PAIR = 100_000_000;

function shortGroups(value: number, padding: number): number {
  const unit = PAIR / padding;
  const high = Math.floor(value / unit);
  putPair(0, (value - high * unit) * padding);
  if (high === 0) return 2;
  const top = high < PAIR ? 0 : Math.floor(high / PAIR);
  putPair(2, high - top * PAIR);
  if (top === 0) return 4;
  putPair(4, top);
  return 6;
}

/** Two groups of a number below 10^8. */
function putPair(at: number, value: number): void {
  const pair = value | 0;
  const high = (pair / 10_000) | 0;
  groups[at] = pair - high * 10_000;
  groups[at + 1] = high;
}

function longGroups(words: Int32Array, from: number, padding: number): number {
  let carry = words[from + 3]! < 0 ? 1 : 0;
  const mask = -carry;
  for (let i = 0; i < 4; i++) {
    const word = ((words[from + i]! ^ mask) >>> 0) + carry;
    carry = word === WORD ? 1 : 0;
    magnitude[i] = carry === 1 ? 0 : word;
  }
  let top = 3;
  let count = 0;
  // The lowest group has fewer digits where it was padded.
  for (let divisor = 10_000 / padding, factor = padding;; divisor = 10_000, factor = 1) {
    while (top >= 0 && magnitude[top] === 0) top--;
    if (top < 0) return count;
    let rest = 0;
    for (let i = top; i >= 0; i--) {
      // Below 2^46: the quotient is exact but for what is cut.
      const dividend = rest * WORD + magnitude[i]!;
      const quotient = Math.floor(dividend / divisor);
      rest = dividend - quotient * divisor;
      magnitude[i] = quotient;
    }
    groups[count++] = rest * factor;
  }
}
