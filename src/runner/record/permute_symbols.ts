/** A keyed permutation of sequences of symbols: equal sequences give equal ones, different ones different ones. */
import { createHmac } from "node:crypto";

/** One position of a sequence: its symbol, from 0, and how many symbols there may be. */
export interface Position {
  readonly symbol: number;
  readonly radix: number;
}

/** Rounds of the Feistel network: four make the halves depend on each other, more make guesses harder. */
const ROUNDS = 8;

/**
 * Sequences up to this length are permuted, so that no two become the same. Longer ones get a key stream
 * of their own, with which two become the same about as often as two digests do.
 */
const MOST_PERMUTED = 64;

/** Bits of a pseudorandom number beyond those of its bound, so that no remainder is more likely. */
const SPARE_BITS = 64;

/**
 * Permutes the sequences of one shape among each other. Without the key only guesses undo the change: a short
 * sequence has few others, and a frequent one stays frequent.
 */
export class Permutation {
  constructor(private readonly key: Uint8Array) {}

  /**
   * Returns the symbols that take the place of those of a sequence.
   *
   * @param shape sequences of another shape are permuted independently
   */
  apply(positions: readonly Position[], shape: string): number[] {
    if (positions.length > MOST_PERMUTED) return this.#addStream(positions, shape);
    const middle = positions.length >> 1;
    const halves = [positions.slice(0, middle), positions.slice(middle)];
    const sizes = halves.map((half) => half.reduce((size, { radix }) => size * BigInt(radix), 1n));
    const numbers = halves.map((half) =>
      half.reduce((number, { symbol, radix }) => number * BigInt(radix) + BigInt(symbol), 0n)
    );
    for (let round = 0; round < ROUNDS; round++) {
      const [changed, other] = round % 2 === 0 ? [0, 1] : [1, 0];
      const size = sizes[changed]!;
      const added = this.number(`${round} ${numbers[other]} ${shape}`, size);
      numbers[changed] = (numbers[changed]! + added) % size;
    }
    return halves.flatMap((half, i) => toSymbols(numbers[i]!, half));
  }

  /** A pseudorandom number below a bound, the same for the same text. */
  number(text: string, bound: bigint): bigint {
    const bits = bound.toString(16).length * 4 + SPARE_BITS;
    return BigInt(`0x${this.#bytes(text, Math.ceil(bits / 8)).toHex()}`) % bound;
  }

  #addStream(positions: readonly Position[], shape: string): number[] {
    const text = `${positions.map(({ symbol }) => symbol).join(" ")} ${shape}`;
    const bytes = this.#bytes(text, positions.length * 4);
    const words = new DataView(bytes.buffer, bytes.byteOffset);
    return positions.map(({ symbol, radix }, i) => (symbol + words.getUint32(i * 4)) % radix);
  }

  #bytes(text: string, length: number): Uint8Array {
    const seed = createHmac("sha256", this.key).update(text).digest();
    const bytes = new Uint8Array(Math.ceil(length / seed.length) * seed.length);
    for (let at = 0; at < length; at += seed.length) {
      bytes.set(createHmac("sha256", seed).update(String(at)).digest(), at);
    }
    return bytes.subarray(0, length);
  }
}

function toSymbols(number: bigint, positions: readonly Position[]): number[] {
  const symbols: number[] = [];
  let rest = number;
  for (const { radix } of positions.toReversed()) {
    symbols.push(Number(rest % BigInt(radix)));
    rest /= BigInt(radix);
  }
  return symbols.reverse();
}
