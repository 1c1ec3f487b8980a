/** A hash table of the hashes of keys in one typed array: its memory is a few words for each key. */
const LEAST_SLOTS = 1 << 10;

/** Finds the words that are kept for a key. Its hash of two words is random, so that the lower one is its slot. */
export class KeyTable {
  #mask = LEAST_SLOTS - 1;
  #size = 0;
  readonly #width: number;
  #words: Uint32Array;

  /** @param width words that the caller keeps for each key */
  constructor(width: number) {
    // The hash, and whether the slot is taken.
    this.#width = width + 3;
    this.#words = new Uint32Array(LEAST_SLOTS * this.#width);
  }

  /** The words of all keys, at the places that the methods return. Valid until the next `add`. */
  get words(): Uint32Array {
    return this.#words;
  }

  /** Returns where the words of a key begin; -1 where the table does not have it. */
  find(lower: number, upper: number): number {
    const slot = this.#findSlot(lower, upper);
    return this.#words[slot + 2] === 0 ? -1 : slot + 3;
  }

  /** Returns where the words of a key begin. Those of a new key are 0. */
  add(lower: number, upper: number): number {
    if (2 * this.#size > this.#mask) this.#grow();
    const slot = this.#findSlot(lower, upper);
    if (this.#words[slot + 2] === 0) {
      this.#words.set([lower, upper, 1], slot);
      this.#size++;
    }
    return slot + 3;
  }

  /** Yields where the words of each key begin; its hash lies before them, from `place - 3` on. */
  *places(): Generator<number, void, void> {
    for (let slot = 0; slot < this.#words.length; slot += this.#width) {
      if (this.#words[slot + 2] === 1) yield slot + 3;
    }
  }

  /** The slot that has the key, or the free one where it would be. */
  #findSlot(lower: number, upper: number): number {
    const words = this.#words;
    for (let number = lower & this.#mask;; number = (number + 1) & this.#mask) {
      const slot = number * this.#width;
      if (words[slot + 2] === 0) return slot;
      if (words[slot] === lower && words[slot + 1] === upper) return slot;
    }
  }

  #grow(): void {
    const old = this.#words;
    this.#words = new Uint32Array(2 * old.length);
    this.#mask = 2 * this.#mask + 1;
    for (let from = 0; from < old.length; from += this.#width) {
      if (old[from + 2] === 0) continue;
      const to = this.#findSlot(old[from]!, old[from + 1]!);
      this.#words.set(old.subarray(from, from + this.#width), to);
    }
  }
}
