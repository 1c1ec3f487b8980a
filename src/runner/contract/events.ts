/** The events that a run reports. */
import type { StreamResult } from "../../models/result.ts";

/** A step of a stream's run. */
export type Step = "extract" | "load";

/** What a run does: both steps, or one of them. */
export type Phase = "run" | Step;

/** What happens during a run, in the order in which it happens. Sizes are bytes, times whole milliseconds. */
export type RunEvent =
  | { readonly type: "stream_started"; readonly stream: string }
  | {
    readonly type: "progress";
    readonly stream: string;
    readonly phase: Step;
    readonly rows: number;
    readonly bytes: number;
    /** Estimated rows to extract, where requested and known to the source. */
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
