/** Notices a worker that has work and makes no progress. */

/**
 * Calls back once when a worker had open calls for `ms` milliseconds, and neither news nor an answer
 * came from it. The time before its first answer, in which it starts, does not count, and neither
 * does the time in which it waits for its host.
 */
export class ProgressClock {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #calls = 0;
  #holds = 0;
  #isStarted = false;
  #isStopped = false;

  constructor(readonly ms: number, private readonly onLate: () => void) {}

  /** A call is open until what is returned is disposed of. */
  open(): Disposable {
    this.#calls++;
    this.#restart();
    return this.#once(() => this.#calls--);
  }

  /** The worker waits for its host until what is returned is disposed of. */
  hold(): Disposable {
    this.#holds++;
    this.#restart();
    return this.#once(() => this.#holds--);
  }

  /** The worker was heard of. */
  renew(): void {
    this.#isStarted = true;
    this.#restart();
  }

  #restart(): void {
    clearTimeout(this.#timer);
    if (this.#isStopped || !this.#isStarted || this.#calls === 0 || this.#holds > 0) return;
    this.#timer = setTimeout(this.onLate, this.ms);
  }

  /** Nothing more is expected of the worker. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #once(end: () => void): Disposable {
    let isOpen = true;
    return {
      [Symbol.dispose]: () => {
        if (!isOpen) return;
        isOpen = false;
        end();
        this.#restart();
      },
    };
  }
}
