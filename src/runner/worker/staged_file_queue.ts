/** A queue of staged files, for a load that begins while its stage is still written. */
import type { StagedData } from "../../core/contracts/buffer.ts";
import { BufferError } from "../../core/errors.ts";

/** A queue of what can be read of a stage, which several readers may share. */
export class StagedFileQueue<Item> {
  readonly #items: Item[] = [];
  #waiting: (() => void)[] = [];
  #staged: StagedData | undefined;
  #failed: { error: unknown } | undefined;

  /** `onEmpty` is called whenever a reader blocks on an empty queue. */
  constructor(private readonly onEmpty: () => void = () => {}) {}

  push(item: Item): void {
    this.#items.push(item);
    this.#wake();
  }

  /** Called when the stage is committed: no more items follow. */
  end(staged: StagedData): void {
    this.#staged = staged;
    this.#wake();
  }

  /** Called when the stage will not be committed: readers throw this error. */
  fail(error: unknown): void {
    this.#failed = { error };
    this.#wake();
  }

  /** Returns the next item; undefined after the last, or when none comes within `patience` milliseconds. */
  async next(patience?: number): Promise<Item | undefined> {
    let late = false;
    const timer = patience === undefined ? undefined : setTimeout(() => {
      late = true;
      this.#wake();
    }, patience);
    try {
      while (true) {
        if (this.#failed !== undefined) throw this.#failed.error;
        const item = this.#items.shift();
        if (item !== undefined || this.#staged !== undefined || late) return item;
        const woken = this.#woken();
        this.onEmpty();
        await woken;
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /** Waits until the stage is committed, whether its items were read or not. */
  async whole(): Promise<void> {
    while (this.#staged === undefined) {
      if (this.#failed !== undefined) throw this.#failed.error;
      const woken = this.#woken();
      this.onEmpty();
      await woken;
    }
  }

  /** What was staged, once it was committed. */
  get staged(): StagedData {
    if (this.#staged === undefined) {
      throw new BufferError("Cannot tell what is staged: it is still being written");
    }
    return this.#staged;
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Items in the order of their parts, whatever the order in which they come. */
export class PartSequencer<Item> {
  readonly #held = new Map<number, Item[]>();
  readonly #ended = new Set<number>();
  #part = 0;

  constructor(private readonly onNext: (item: Item) => void) {}

  push(item: Item, part: number): void {
    if (part === this.#part) this.onNext(item);
    else this.#held.set(part, [...this.#held.get(part) ?? [], item]);
  }

  end(part: number): void {
    this.#ended.add(part);
    while (this.#ended.has(this.#part)) {
      this.#part++;
      for (const item of this.#held.get(this.#part) ?? []) this.onNext(item);
    }
  }
}
