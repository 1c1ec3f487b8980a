/**
 * V8 lets about 64 MiB of array buffers become garbage in each thread before it looks for them: so
 * much that several threads need a multiple of what they work with. Most die young, and the collection
 * of the young generation, which takes well below a millisecond, finds them.
 */

/** There when V8 was started with `--expose-gc`, as the binary is; else V8 collects by itself, later. */
const { gc } = globalThis as { gc?: (options: { readonly type: "minor" | "major" }) => void };

/** So many bytes of batches may be let go between two collections. */
const MOST_BYTES = 8 * 1024 * 1024;

/** What outlives two collections of the young generation waits for one of all: each of so many is. */
const MAJOR = 48;

let bytes = 0;
let collections = 0;

/** To be told how large a batch was that this thread has done with. */
export function noteReleased(size: number): void {
  bytes += size;
  if (bytes < MOST_BYTES) return;
  bytes = 0;
  collections++;
  // The first of all comes half as late: by then what a thread's start took is garbage.
  gc?.({ type: collections % MAJOR === MAJOR / 2 ? "major" : "minor" });
}
