/** Waits until nobody else uses the machine. */
import { machineTime } from "./proc.ts";

/** A machine is quiet when less than this of all cores' time is used. */
const QUIET = 0.1;
const LOOK_MS = 500;

export interface Quiet {
  readonly waited: number;
  /** Part of the cores' time that was used when it was looked at last. */
  readonly busy: number;
  readonly quiet: boolean;
}

/** Looks for half a second at least, and waits `limit` seconds at most; undefined without /proc. */
export async function waitForQuiet(limit: number): Promise<Quiet | undefined> {
  const start = performance.now();
  for (;;) {
    const before = machineTime();
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const after = machineTime();
    if (before === undefined || after === undefined) return undefined;
    const busy = (after.busy - before.busy) / Math.max(1, after.all - before.all);
    const waited = (performance.now() - start) / 1000;
    if (busy < QUIET || waited >= limit) return { waited, busy, quiet: busy < QUIET };
  }
}
