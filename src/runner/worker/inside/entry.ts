/** The module that the threads of a run begin with. */
import { serve } from "../../../sandbox/serve.ts";
import { JOBS } from "./jobs.ts";

serve(JOBS);
