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
