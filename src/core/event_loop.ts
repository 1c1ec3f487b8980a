/** Turns of the event loop in long work. */
const BREATH_MS = 100;
let breathed = 0;

/**
 * To be awaited now and then in long work that never waits for anything outside: lets the thread hear
 * that it is to stop.
 */
export async function yieldToEventLoop(): Promise<void> {
  if (performance.now() - breathed < BREATH_MS) return;
  await new Promise((resolve) => setTimeout(resolve));
  breathed = performance.now();
}
