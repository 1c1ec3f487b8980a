/**
 * Tells when a wait has lasted too long. One timer serves many short waits, each of which costs two
 * looks at the clock: a timer for each took a third of the time that a read of the socket takes.
 */
export class Watchdog {
  #waits = 0;
  #since = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /** @param silent is called when nothing that is waited for has come within `limit` milliseconds */
  constructor(private readonly limit: number, private readonly silent: () => void) {}

  /** Waits for `work`; its end, and that of any other wait, is a sign of life. */
  async wait<T>(work: Promise<T>): Promise<T> {
    this.#waits++;
    this.#since = performance.now();
    if (!this.#stopped) this.#timer ??= setTimeout(this.#look, this.limit);
    try {
      return await work;
    } finally {
      this.#waits--;
      this.#since = performance.now();
    }
  }

  /** Stops the timer until the next wait. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Watches no more. */
  stop(): void {
    this.#stopped = true;
    this.rest();
  }

  readonly #look = () => {
    this.#timer = undefined;
    const left = this.limit - (performance.now() - this.#since);
    if (this.#waits > 0 && left <= 0) this.silent();
    else this.#timer = setTimeout(this.#look, this.#waits > 0 ? left : this.limit);
  };
}
