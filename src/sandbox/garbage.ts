/**
 * V8 lets about 64 MiB of array buffers become garbage in each thread before it looks for them: so
 * much that several threads need a multiple of what they work with. Most die young: the collection of
 * the young generation, which takes well below a millisecond, finds them. Those that outlive two of
 * these, such as a file's pages, are left to a collection of everything, which takes some.
 */

/** There when V8 was started with `--expose-gc`, as the binary is; else V8 collects by itself, later. */
const { gc } = globalThis as {
  gc?: (options: { readonly type: "minor" | "major" }) => void;
};

/** So many bytes of batches may be let go between two collections, and so many between large ones. */
const MINOR_BYTES = 8 * 1024 * 1024;
const MAJOR_BYTES = 64 * 1024 * 1024;

let sinceMinor = 0;
let sinceMajor = 0;

/** To be told how large a batch was that this thread has done with. */
export function released(size: number): void {
  sinceMinor += size;
  if (sinceMinor < MINOR_BYTES) return;
  sinceMajor += sinceMinor;
  sinceMinor = 0;
  const isMajor = sinceMajor >= MAJOR_BYTES;
  if (isMajor) sinceMajor = 0;
  gc?.({ type: isMajor ? "major" : "minor" });
}
