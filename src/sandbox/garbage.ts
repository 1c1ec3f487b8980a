/**
 * Limits garbage per worker. V8 lets about 64 MiB of array buffers become garbage in each thread
 * before it collects them, which multiplies the memory of several workers. Most buffers die young,
 * and collecting the young generation takes well below a millisecond.
 */

/** Present when V8 runs with `--expose-gc`, as in the binary; otherwise V8 collects later. */
const { gc } = globalThis as { gc?: (options: { readonly type: "minor" | "major" }) => void };

/** Bytes of released batches between two collections. */
const MAX_RELEASED_BYTES = 8 * 1024 * 1024;

/** Interval of major collections: they free what outlived two minor ones. */
const MAJOR_INTERVAL = 48;

let bytes = 0;
let collections = 0;

/** Counts the bytes of a batch that this worker no longer needs; collects garbage when due. */
export function countReleased(size: number): void {
  bytes += size;
  if (bytes < MAX_RELEASED_BYTES) return;
  bytes = 0;
  collections++;
  // The first major collection comes after half the interval, when the start-up's memory is
  // garbage.
  gc?.({ type: collections % MAJOR_INTERVAL === MAJOR_INTERVAL / 2 ? "major" : "minor" });
}
