/** The threads of a run. */
import { ThreadPool } from "../sandbox/pool.ts";
import { CHECKS } from "./answers.ts";
import type { Threads } from "./end.ts";

export interface ThreadOptions {
  /** As many streams, or parts of one, are moved at once; the number of cores when absent. */
  readonly threads?: number;
  /** Whether a thread may do only what it needs; true when absent. */
  readonly sandbox?: boolean;
}

export function openThreads(
  { threads = navigator.hardwareConcurrency, sandbox = true }: ThreadOptions = {},
): Threads {
  return new ThreadPool(new URL("./thread/worker.ts", import.meta.url), threads, CHECKS, sandbox);
}
