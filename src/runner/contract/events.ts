/** What a run tells while it runs. */
import type { StreamResult } from "../../models/result.ts";

/** A step of a stream's run. */
export type Step = "extract" | "load";

/** What a run does: both steps, or one of them. */
export type Phase = "run" | Step;

/** What happens during a run, in the order in which it happens. Sizes are bytes, times ms. */
export type RunEvent =
  | { readonly type: "stream_started"; readonly stream: string; readonly at: string }
  | {
    readonly type: "progress";
    readonly stream: string;
    readonly phase: Step;
    readonly rows: number;
    readonly bytes: number;
    /** About how many rows there are to extract, where that was asked for and the source knows. */
    readonly total?: number;
  }
  | {
    readonly type: "phase_finished";
    readonly stream: string;
    readonly phase: Step;
    readonly rows: number;
    readonly ms: number;
  }
  | { readonly type: "warning"; readonly stream: string; readonly message: string }
  | { readonly type: "stream_finished"; readonly stream: string; readonly result: StreamResult };
