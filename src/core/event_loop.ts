/** Turns of the event loop during long work without I/O. */

/** Milliseconds between two turns. */
const INTERVAL_MS = 100;
let lastTurn = 0;

/**
 * Await this regularly in long work without I/O, so that the worker can receive an abort message.
 * Returns at once if the event loop has had a turn within the interval.
 */
export async function yieldToEventLoop(): Promise<void> {
  if (performance.now() - lastTurn < INTERVAL_MS) return;
  await new Promise((resolve) => setTimeout(resolve));
  lastTurn = performance.now();
}
