/** Entry module of the workers of a run. */
import { serveJobs } from "../../../sandbox/serve.ts";
import { JOBS } from "./jobs.ts";

serveJobs(JOBS);
