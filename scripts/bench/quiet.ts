/** Waits until other programs leave the machine idle. */
import { machineTime } from "./proc.ts";

/** The machine is quiet when less than this share of all cores is used. */
const QUIET = 0.1;
const LOOK_MS = 500;

export interface Quiet {
  readonly waited: number;
  /** Share of the cores used in the last sample. */
  readonly busy: number;
  readonly quiet: boolean;
}

/** Samples for at least half a second, waits at most `limit` seconds; undefined without /proc. */
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
