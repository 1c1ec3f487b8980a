/** Detects a worker that has open calls but makes no progress. */

/**
 * Calls back once when a worker had open calls for `ms` milliseconds but sent neither progress nor
 * a reply. Two times do not count: before its first message, while it starts, and while it waits
 * for its host.
 */
export class ProgressClock {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #calls = 0;
  #holds = 0;
  #isStarted = false;
  #isStopped = false;

  constructor(readonly ms: number, private readonly onLate: () => void) {}

  /** Opens a call; disposing of the result closes it. */
  open(): Disposable {
    this.#calls++;
    this.#restart();
    return this.#disposeOnce(() => this.#calls--);
  }

  /** Pauses the clock while the worker waits for its host; disposing of the result resumes it. */
  hold(): Disposable {
    this.#holds++;
    this.#restart();
    return this.#disposeOnce(() => this.#holds--);
  }

  /** Restarts the time; called for each message of the worker. */
  renew(): void {
    this.#isStarted = true;
    this.#restart();
  }

  #restart(): void {
    clearTimeout(this.#timer);
    if (this.#isStopped || !this.#isStarted || this.#calls === 0 || this.#holds > 0) return;
    this.#timer = setTimeout(this.onLate, this.ms);
  }

  /** Stops for good: the worker has ended. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #disposeOnce(end: () => void): Disposable {
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
