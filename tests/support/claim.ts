/** Runs as locks know them. */
import type { Claim } from "../../src/core/files/run_lock.ts";

/** How a run asks for a lock; each call is another run. */
export function claimOf(waitMs = 0): Claim {
  return {
    owner: {
      host: "test-host",
      pid: 4711,
      run_id: crypto.randomUUID(),
      since: "2026-01-31T12:00:00Z",
    },
    waitMs,
  };
}
