import type { Usage } from "../../src/core/contracts/provider.ts";

/** A connection that is tested and no more. */
export function usage(baseDirectory: string): Usage {
  return { baseDirectory, reads: [], writes: [] };
}
