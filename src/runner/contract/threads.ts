/** The workers of a run, as its steps lease them. */
import type { ThreadPool } from "../../sandbox/pool.ts";
import type { WorkerJobs } from "../worker/inside/jobs.ts";

export type Threads = ThreadPool<WorkerJobs>;
