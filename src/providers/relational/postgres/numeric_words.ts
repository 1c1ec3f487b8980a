/**
 * numeric in COPY's binary format → decimals of up to 38 digits as four words of 32 bits, lowest
 * first, without a bigint. The format is told in `numeric.ts`.
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
