/** Limits how often a worker reports its progress. */

/** A batch takes a few milliseconds, and a message to the host more than one. */
const INTERVAL_MS = 100;

/** Adds up rows and bytes, and reports them at most every 100 ms. */
export class ProgressThrottle implements Disposable {
  #rows = 0;
  #bytes = 0;
  #last = -INTERVAL_MS;

  constructor(private readonly report: (progress: { rows: number; bytes: number }) => void) {}

  add(rows: number, bytes: number): void {
    this.#rows += rows;
    this.#bytes += bytes;
    if (performance.now() - this.#last >= INTERVAL_MS) this.flush();
  }

  /** Reports the rest. */
  flush(): void {
    if (this.#rows === 0 && this.#bytes === 0) return;
    this.report({ rows: this.#rows, bytes: this.#bytes });
    this.#rows = this.#bytes = 0;
    this.#last = performance.now();
  }

  [Symbol.dispose](): void {
    this.flush();
  }
}
