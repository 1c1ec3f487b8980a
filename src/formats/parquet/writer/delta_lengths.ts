/**
 * Lengths of texts packed as differences, in blocks of any shape; `delta.ts` reads those of dxt's own.
 * https://parquet.apache.org/docs/file-format/data-pages/encodings/#delta-encoding-delta_binary_packed--5
 */
import { unpackBits } from "../bits.ts";
import { ThriftError } from "../thrift/thrift.ts";

/** Values in a block of the strangest writer. */
const MAX_BLOCK = 1 << 16;

export interface Lengths {
  readonly lengths: Int32Array;
  /** Where they end. */
  readonly end: number;
}

/**
 * Reads the lengths that begin at a place, at most `most` of them.
 *
 * @throws {ThriftError} when they are malformed, or negative
 */
export function decodeLengths(bytes: Uint8Array, start: number, most: number): Lengths {
  const reader = new Varints(bytes, start);
  const [block, parts, count] = [reader.next(), reader.next(), reader.next()];
  const size = block / parts;
  if (
    block === 0 || block > MAX_BLOCK || parts === 0 || !Number.isInteger(size) || size % 8 !== 0 ||
    count > most
  ) throw malformed();
  const lengths = new Int32Array(count);
  const first = reader.signed();
  if (count > 0) lengths[0] = first;
  const deltas = new Int32Array(size);
  let length = first;
  for (let at = 1; at < count;) {
    const least = reader.signed();
    const widths = reader.at;
    reader.at += parts;
    for (let part = 0; part < parts && at < count; part++) {
      const width = bytes[widths + part];
      const end = reader.at + size / 8 * (width ?? 0);
      if (width === undefined || width > 32 || end > bytes.length) throw malformed();
      const wanted = Math.min(size, count - at);
      unpackBits(bytes, reader.at * 8, width, deltas, 0, wanted);
      for (let i = 0; i < wanted; i++) {
        // In 32 bits, as they were made.
        length = (length + least + deltas[i]!) | 0;
        if (length < 0) throw malformed();
        lengths[at++] = length;
      }
      reader.at = end;
    }
  }
  if (first < 0) throw malformed();
  return { lengths, end: reader.at };
}

class Varints {
  constructor(private readonly bytes: Uint8Array, public at: number) {}

  /** An unsigned number of 32 bits. */
  next(): number {
    let value = 0;
    for (let power = 1; power <= 2 ** 28; power *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw malformed();
      value += (byte & 127) * power;
      if (byte < 128) return value > 0xffffffff ? fail() : value;
    }
    throw malformed();
  }

  /** A signed number, of which the last 32 bits count. */
  signed(): number {
    let [low, shift] = [0n, 0n];
    for (;; shift += 7n) {
      const byte = this.bytes[this.at++];
      if (byte === undefined || shift > 63n) throw malformed();
      low |= BigInt(byte & 127) << shift;
      if (byte < 128) break;
    }
    return Number(BigInt.asIntN(32, low >> 1n ^ -(low & 1n)));
  }
}

function fail(): never {
  throw malformed();
}

function malformed(): ThriftError {
  return new ThriftError("packed lengths that are malformed");
}
