/** The worker pool of a run. */
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
}

export function openThreads(
  { threads = navigator.hardwareConcurrency, sandbox = true, externalTimeout }: ThreadOptions = {},
): Threads {
  const module = new URL("./inside/entry.ts", import.meta.url);
  const bounds = externalTimeout === undefined ? {} : { progressMs: externalTimeout * 1000 };
  return new ThreadPool(module, threads, CHECKS, sandbox, bounds);
}
