/**
 * Decodes lengths that other writers packed as differences in blocks of any shape; `delta.ts`
 * decodes dxt's own.
 * Format:
 * https://parquet.apache.org/docs/file-format/data-pages/encodings/#delta-encoding-delta_binary_packed--5
 */
import { unpackBits } from "../bits.ts";
import { ThriftError } from "../thrift/thrift.ts";

/** Most values of a block; no known writer has larger ones. */
const MAX_BLOCK = 1 << 16;

/** Decoded lengths. */
export interface Lengths {
  readonly lengths: Int32Array;
  /** Where the encoded lengths end. */
  readonly end: number;
}

/**
 * Decodes the lengths that start at a position, at most `maxCount` of them.
 *
 * @throws {ThriftError} when they are malformed or negative
 */
export function decodeLengths(bytes: Uint8Array, start: number, maxCount: number): Lengths {
  const reader = new VarintReader(bytes, start);
  const [block, parts, count] = [reader.next(), reader.next(), reader.next()];
  const size = block / parts;
  if (
    block === 0 || block > MAX_BLOCK || parts === 0 || !Number.isInteger(size) || size % 8 !== 0 ||
    count > maxCount
  ) throw malformed();
  const lengths = new Int32Array(count);
  const first = reader.signed();
  if (count > 0) lengths[0] = first;
  const deltas = new Int32Array(size);
  let length = first;
  for (let at = 1; at < count;) {
    const lowest = reader.signed();
    const widths = reader.at;
    reader.at += parts;
    for (let part = 0; part < parts && at < count; part++) {
      const width = bytes[widths + part];
      const end = reader.at + size / 8 * (width ?? 0);
      if (width === undefined || width > 32 || end > bytes.length) throw malformed();
      const valueCount = Math.min(size, count - at);
      unpackBits(bytes, reader.at * 8, width, deltas, 0, valueCount);
      for (let i = 0; i < valueCount; i++) {
        // In 32 bits, as the writer computed it.
        length = (length + lowest + deltas[i]!) | 0;
        if (length < 0) throw malformed();
        lengths[at++] = length;
      }
      reader.at = end;
    }
  }
  if (first < 0) throw malformed();
  return { lengths, end: reader.at };
}

class VarintReader {
  constructor(private readonly bytes: Uint8Array, public at: number) {}

  /** Reads an unsigned 32-bit number. */
  next(): number {
    let value = 0;
    for (let power = 1; power <= 2 ** 28; power *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw malformed();
      value += (byte & 127) * power;
      if (byte < 128) return value > 0xffffffff ? throwMalformed() : value;
    }
    throw malformed();
  }

  /** Reads a signed number; only its lowest 32 bits count. */
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

function throwMalformed(): never {
  throw malformed();
}

function malformed(): ThriftError {
  return new ThriftError("malformed packed lengths");
}
