/** How far a thread is, told now and then. */

/** A batch takes a few milliseconds, and the host longer than one to hear of it. */
const TELL_MS = 100;

/** Adds up rows and bytes until it is time to tell of them. */
export class ProgressThrottle implements Disposable {
  #rows = 0;
  #bytes = 0;
  #told = -TELL_MS;

  constructor(private readonly tell: (news: { rows: number; bytes: number }) => void) {}

  add(rows: number, bytes: number): void {
    this.#rows += rows;
    this.#bytes += bytes;
    if (performance.now() - this.#told >= TELL_MS) this.#flush();
  }

  #flush(): void {
    if (this.#rows === 0 && this.#bytes === 0) return;
    this.tell({ rows: this.#rows, bytes: this.#bytes });
    this.#rows = this.#bytes = 0;
    this.#told = performance.now();
  }

  /** Tells the rest. */
  [Symbol.dispose](): void {
    this.#flush();
  }
}
