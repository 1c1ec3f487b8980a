/** Calls back when the waits for a server last too long. */

/** Milliseconds until the timer first fires. */
const FIRST_LOOK_MS = 3000;

/**
 * One timer for many short waits, each of which reads the clock twice. A timer per wait took a third of the
 * time of a socket read.
 */
export class IdleTimeout {
  #waits = 0;
  #since = 0;
  /** Milliseconds of a wait after which `long` is called next. */
  #next = FIRST_LOOK_MS;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  /**
   * @param silent called when no wait has ended within `limit` milliseconds
   * @param long called when a wait has lasted three seconds, and again each time that it has doubled
   */
  constructor(
    private readonly limit: number,
    private readonly silent: () => void,
    private readonly long: () => void = () => {},
  ) {}

  /** Waits for `work`. Its end is a sign of life for all other waits. */
  async wait<T>(work: Promise<T>): Promise<T> {
    this.#waits++;
    this.#since = performance.now();
    this.#next = FIRST_LOOK_MS;
    if (!this.#stopped) this.#timer ??= setTimeout(this.#look, Math.min(this.limit, FIRST_LOOK_MS));
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

  /** Stops the timer for good. */
  stop(): void {
    this.#stopped = true;
    this.rest();
  }

  readonly #look = () => {
    this.#timer = undefined;
    const waited = this.#waits > 0 ? performance.now() - this.#since : 0;
    if (waited >= this.limit) return this.silent();
    if (waited >= this.#next) {
      this.#next *= 2;
      this.long();
    }
    this.#timer = setTimeout(this.#look, Math.min(this.limit, this.#next) - waited);
  };
}
