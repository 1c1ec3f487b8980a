/** The module that the threads of a run begin with. */
import { type Job, serve } from "../sandbox/thread.ts";
import { extractPart, loadSlice } from "./jobs.ts";

serve({ extract: extractPart as Job, load: loadSlice as Job });
