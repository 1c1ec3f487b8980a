/** The module that the threads of a run begin with. */
import { serveJobs } from "../../../sandbox/serve.ts";
import { JOBS } from "./jobs.ts";

serveJobs(JOBS);
