/** The worker pool of a run. */
import { BOUNDS } from "../../sandbox/bounds.ts";
import { ThreadPool } from "../../sandbox/pool.ts";
import { CHECKS } from "./reply_schemas.ts";
import type { Threads } from "../contract/threads.ts";

export interface ThreadOptions {
  /** As many streams, or parts of one, are moved at once; the number of cores when absent. */
  readonly threads?: number;
  /** Whether each worker gets only the permissions that it needs; true when absent. */
  readonly sandbox?: boolean;
  /** Seconds that untrusted code may work without progress; the default of the sandbox when absent. */
  readonly externalTimeout?: number | undefined;
  /** The most bytes that the process may hold: also the most that the heap of untrusted code may. */
  readonly maxMemory?: number | undefined;
}

export function openThreads(
  { threads = navigator.hardwareConcurrency, sandbox = true, externalTimeout, maxMemory }:
    ThreadOptions = {},
): Threads {
  const module = new URL("./inside/entry.ts", import.meta.url);
  const bounds = {
    ...(externalTimeout === undefined ? {} : { progressMs: externalTimeout * 1000 }),
    ...(maxMemory === undefined
      ? {}
      : { heapMiB: Math.min(BOUNDS.heapMiB, Math.floor(maxMemory / 1024 ** 2)) }),
  };
  return new ThreadPool(module, threads, CHECKS, sandbox, bounds);
}
