/** Stops the streams of a run while its process holds more memory than the run may. */
import { ConfigurationError, ExpectationError } from "../core/errors.ts";

const MIB = 1024 ** 2;

/** Bytes of the main thread and of the two workers of one small stream, with their connections. */
export const LEAST_MEMORY = 192 * MIB;

/** Milliseconds between two readings, each of which takes a few microseconds. */
const INTERVAL_MS = 50;

export interface MemoryGuard extends Disposable {
  /** Aborts with an {@linkcode ExpectationError} once the process holds more than the bound. */
  readonly signal: AbortSignal;
}

/** @throws {ConfigurationError} for a bound within which not even a small stream could be moved */
export function checkMemoryBound(maxBytes: number | undefined): void {
  if (maxBytes === undefined || maxBytes >= LEAST_MEMORY) return;
  throw new ConfigurationError(
    `Cannot run within ${describeSize(maxBytes)} of memory: expected --max-memory of at least ${
      describeSize(LEAST_MEMORY)
    }, which one small stream takes`,
  );
}

/**
 * Compares the resident memory of the process, which is that of all its workers, with a bound.
 *
 * @param maxBytes undefined: there is no bound
 * @param describeUse says what holds the memory, and what would lower it
 */
export function guardMemory(
  maxBytes: number | undefined,
  describeUse: () => { readonly holder: string; readonly advice: string },
  readResident: () => number = () => Deno.memoryUsage().rss,
): MemoryGuard {
  const stop = new AbortController();
  if (maxBytes === undefined) return { signal: stop.signal, [Symbol.dispose]() {} };
  const timer = setInterval(() => {
    const resident = readResident();
    if (resident <= maxBytes) return;
    clearInterval(timer);
    const { holder, advice } = describeUse();
    const [held, most] = [resident, maxBytes].map(describeSize);
    stop.abort(
      new ExpectationError(
        `dxt holds ${held} of memory for ${holder}, expected at most ${most} (--max-memory); ${advice}`,
      ),
    );
  }, INTERVAL_MS);
  return { signal: stop.signal, [Symbol.dispose]: () => clearInterval(timer) };
}

/** Whether a stream was stopped because the process held too much memory. */
export function isStoppedForMemory({ aborted, reason }: AbortSignal): boolean {
  return aborted && reason instanceof ExpectationError;
}

function describeSize(bytes: number): string {
  const size = bytes / MIB;
  return `${Number.isInteger(size) ? size : size.toFixed(1)} MiB`;
}
