/**
 * V8 lets about 64 MiB of array buffers become garbage in each thread before it looks for them: so
 * much that several threads need a multiple of what they work with. Most die young, and the collection
 * of the young generation, which takes well below a millisecond, finds them.
 */

/** There when V8 was started with `--expose-gc`, as the binary is; else V8 collects by itself, later. */
const { gc } = globalThis as { gc?: (options: { readonly type: "minor" }) => void };

/** So many bytes of batches may be let go between two collections. */
const MOST_BYTES = 8 * 1024 * 1024;

let bytes = 0;

/** To be told how large a batch was that this thread has done with. */
export function released(size: number): void {
  bytes += size;
  if (bytes < MOST_BYTES) return;
  bytes = 0;
  gc?.({ type: "minor" });
}
