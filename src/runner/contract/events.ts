/** The events that a run reports. */
import type { StreamResult } from "../../models/result.ts";

/** A step of a stream's run. */
export type Step = "extract" | "load";

/** What a run does: both steps, or one of them. */
export type Phase = "run" | Step;

/** What happens during a run, in the order in which it happens. Sizes are bytes, times whole milliseconds. */
export type RunEvent =
  | { readonly type: "run_planned"; readonly streams: number }
  | { readonly type: "stream_started"; readonly stream: string }
  /** The stream waits, until it makes progress: `reason` is for example "for the source". */
  | { readonly type: "waiting"; readonly stream: string; readonly reason: string }
  | {
    readonly type: "progress";
    readonly stream: string;
    readonly phase: Step;
    readonly rows: number;
    readonly bytes: number;
    /** Rows to load, or the source's estimate of the rows to extract where it was requested. */
    readonly total?: number;
  }
  | {
    readonly type: "phase_finished";
    readonly stream: string;
    readonly phase: Step;
    readonly rows: number;
    readonly ms: number;
  }
  /** A statement that is sent to the source or the target, values hidden. */
  | {
    readonly type: "statement";
    readonly stream: string;
    readonly side: "source" | "target";
    readonly statement: string;
  }
  | { readonly type: "warning"; readonly stream: string; readonly message: string }
  | { readonly type: "stream_finished"; readonly stream: string; readonly result: StreamResult };
