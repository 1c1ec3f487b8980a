/** Queues of staged files, for a load that begins while its stage is still written. */
import type { StagedFiles } from "../../core/contracts/buffer.ts";

/** A queue of the files that are closed, or of slices. Several readers may share it. */
export class StagedFileQueue<Item> implements AsyncIterable<Item> {
  readonly #items: Item[] = [];
  #waiting: (() => void)[] = [];
  #committed: StagedFiles | undefined;
  #failure: { error: unknown } | undefined;

  /** `onEmpty` is called whenever a reader blocks on an empty queue. */
  constructor(private readonly onEmpty: () => void = () => {}) {}

  push(item: Item): void {
    this.#items.push(item);
    this.#wake();
  }

  /** Called when the stage is committed: no more items follow. */
  end(staged: StagedFiles): void {
    this.#committed = staged;
    this.#wake();
  }

  /** Called when the stage will not be committed: readers throw this error. */
  fail(error: unknown): void {
    this.#failure = { error };
    this.#wake();
  }

  /** Returns the next item; undefined after the last, or when none comes within `patience` milliseconds. */
  async next(patience?: number): Promise<Item | undefined> {
    let isLate = false;
    const timer = patience === undefined ? undefined : setTimeout(() => {
      isLate = true;
      this.#wake();
    }, patience);
    try {
      while (true) {
        if (this.#failure !== undefined) throw this.#failure.error;
        const item = this.#items.shift();
        if (item !== undefined || this.#committed !== undefined || isLate) return item;
        await this.#change();
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, void> {
    for (let item = await this.next(); item !== undefined; item = await this.next()) yield item;
  }

  /** Waits until the stage is committed. Its items need not have been read. */
  async committed(): Promise<StagedFiles> {
    while (this.#committed === undefined) {
      if (this.#failure !== undefined) throw this.#failure.error;
      await this.#change();
    }
    return this.#committed;
  }

  /** Waits for the next push, end or failure. */
  async #change(): Promise<void> {
    const change = new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.onEmpty();
    await change;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** Passes on items in the order of their parts. */
export class PartSequencer<Item> {
  readonly #later = new Map<number, Item[]>();
  readonly #complete = new Set<number>();
  #part = 0;

  constructor(private readonly onNext: (item: Item) => void) {}

  push(item: Item, part: number): void {
    if (part === this.#part) this.onNext(item);
    else this.#later.set(part, [...this.#later.get(part) ?? [], item]);
  }

  /** Called when a part has no more items. */
  end(part: number): void {
    this.#complete.add(part);
    while (this.#complete.has(this.#part)) {
      this.#part++;
      for (const item of this.#later.get(this.#part) ?? []) this.onNext(item);
    }
  }
}
