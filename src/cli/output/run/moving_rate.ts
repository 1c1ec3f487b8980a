/** Measures how fast a count grows. */

/** Span of the measurement in milliseconds: long enough to be steady, short enough to be current. */
const SPAN_MS = 5000;

/** The rate of a growing count over the last seconds. */
export class MovingRate {
  #samples: { readonly at: number; readonly count: number }[] = [];

  /** @param at milliseconds of a monotonic clock */
  add(count: number, at: number): void {
    const last = this.#samples.at(-1);
    // A count that falls is another one, as after a retry.
    if (last !== undefined && count < last.count) this.#samples = [];
    if (count !== last?.count) this.#samples.push({ at, count });
  }

  /** Counts per second until `now`; undefined before the count has grown. */
  perSecond(now: number): number | undefined {
    // One older sample stays: the span begins there.
    while (this.#samples.length > 2 && this.#samples[1]!.at <= now - SPAN_MS) this.#samples.shift();
    const [first] = this.#samples;
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || last.count === first.count) return undefined;
    return (last.count - first.count) / Math.max(now - first.at, 1) * 1000;
  }
}
