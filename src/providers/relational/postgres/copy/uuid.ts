/** UUIDs as 16 bytes, and as text in hexadecimal digits. */
const DASH = 0x2d;
const digits = new TextEncoder().encode("0123456789abcdef");
/** The two digits of each byte. */
const HIGH = Uint8Array.from({ length: 256 }, (_, byte) => digits[byte >> 4]!);
const LOW = Uint8Array.from({ length: 256 }, (_, byte) => digits[byte & 15]!);
/** Where the digits of each byte stand. */
const PLACES = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34);

/** Writes the 16 bytes at `from` as 36 characters. */
export function writeUUID(source: Uint8Array, from: number, into: Uint8Array, to: number): void {
  for (let i = 0; i < 16; i++) {
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

/** The value of each hexadecimal digit; 255 for other characters. */
const VALUE = new Uint8Array(256).fill(255);
for (let digit = 0; digit < 16; digit++) {
  VALUE[digits[digit]!] = digit;
  VALUE[digit.toString(16).toUpperCase().charCodeAt(0)] = digit;
}

/**
 * Reads 36 characters as 16 bytes.
 *
 * @returns false when they are not those of a UUID; what was written is then of no use
 */
export function readUUID(
  source: Uint8Array,
  from: number,
  size: number,
  into: Uint8Array,
  to: number,
): boolean {
  if (size !== 36) return false;
  for (let i = 0; i < 16; i++) {
    const at = from + PLACES[i]!;
    const [high, low] = [VALUE[source[at]!]!, VALUE[source[at + 1]!]!];
    if ((high | low) > 15) return false;
    into[to + i] = high << 4 | low;
  }
  return source[from + 8] === DASH && source[from + 13] === DASH && source[from + 18] === DASH &&
    source[from + 23] === DASH;
}
