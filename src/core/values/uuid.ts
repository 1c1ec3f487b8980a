/** UUIDs as 16 bytes, and as text: 32 hexadecimal digits in five groups with dashes between them. */

/** Bytes of a UUID. */
export const UUID_BYTES = 16;
/** Characters of its text. */
export const UUID_CHARACTERS = 36;

const DASH = 0x2d;
const digits = new TextEncoder().encode("0123456789abcdef");
/** The two digits of each byte. */
const HIGH = Uint8Array.from({ length: 256 }, (_, byte) => digits[byte >> 4]!);
const LOW = Uint8Array.from({ length: 256 }, (_, byte) => digits[byte & 15]!);
/** Where the digits of each byte stand. */
const PLACES = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34);

/** Writes the 16 bytes at `from` as text in canonical form, whose digits are lower case. */
export function writeUUID(source: Uint8Array, from: number, into: Uint8Array, to: number): void {
  for (let i = 0; i < UUID_BYTES; i++) {
    const byte = source[from + i]!;
    const at = to + PLACES[i]!;
    into[at] = HIGH[byte]!;
    into[at + 1] = LOW[byte]!;
  }
  into[to + 8] =
    into[to + 13] =
    into[to + 18] =
    into[to + 23] =
      DASH;
}

const UPPER_CASE = 0x20;
const NO_DIGIT = 0x40;

/** The value of each hexadecimal digit, marked if it is upper case; a mark for other characters. */
const VALUE = new Uint8Array(256).fill(NO_DIGIT);
digits.forEach((digit, value) => {
  if (value > 9) VALUE[value.toString(16).toUpperCase().charCodeAt(0)] = value | UPPER_CASE;
  VALUE[digit] = value;
});

/**
 * Reads a text of `size` bytes as the 16 bytes of a UUID.
 *
 * @returns false when the text is no UUID; what was written is then of no use
 */
export function readUUID(
  source: Uint8Array,
  from: number,
  size: number,
  into: Uint8Array,
  to: number,
): boolean {
  return (readDigits(source, from, size, into, to) & NO_DIGIT) === 0;
}

/** Like `readUUID`, for text in canonical form alone: the bytes written as text are equal to it. */
export function readCanonicalUUID(
  source: Uint8Array,
  from: number,
  size: number,
  into: Uint8Array,
  to: number,
): boolean {
  return readDigits(source, from, size, into, to) === 0;
}

/** Returns the marks of all characters. */
function readDigits(
  source: Uint8Array,
  from: number,
  size: number,
  into: Uint8Array,
  to: number,
): number {
  const hasDashes = size === UUID_CHARACTERS && source[from + 8] === DASH &&
    source[from + 13] === DASH && source[from + 18] === DASH && source[from + 23] === DASH;
  if (!hasDashes) return NO_DIGIT;
  let marks = 0;
  for (let i = 0; i < UUID_BYTES; i++) {
    const at = from + PLACES[i]!;
    const high = VALUE[source[at]!]!;
    const low = VALUE[source[at + 1]!]!;
    marks |= high | low;
    into[to + i] = high << 4 | (low & 15);
  }
  return marks & (UPPER_CASE | NO_DIGIT);
}
