import type { StreamResult } from "../models/result.ts";
import type { Phase, RunEvent } from "../runner/mod.ts";
import type { Printer } from "./printer.ts";
import { bytesText, counted, durationText } from "./units.ts";

interface Running {
  readonly since: number;
  phase?: "extract" | "load";
  rows: number;
  bytes: number;
}

const DOING = { extract: "extracting", load: "loading" } as const;
const DONE = { extract: "extracted", load: "loaded" } as const;

/** Tells a run line by line, and every 10 seconds what is still going on. */
export class Progress implements Disposable {
  readonly #running = new Map<string, Running>();
  readonly #timer: ReturnType<typeof setInterval>;

  constructor(
    private readonly printer: Printer,
    private readonly phase: Phase,
    interval = 10_000,
  ) {
    this.#timer = setInterval(() => this.#tellRunning(), interval);
  }

  onEvent(event: RunEvent): void {
    switch (event.type) {
      case "stream_started":
        this.#running.set(event.stream, { since: performance.now(), rows: 0, bytes: 0 });
        return this.printer.progress(event.stream, "started");
      case "progress": {
        const running = this.#running.get(event.stream);
        if (running !== undefined) Object.assign(running, event);
        return;
      }
      case "phase_finished": {
        const rows = counted(event.rows, "row");
        return this.printer.detail(
          event.stream,
          `${DONE[event.phase]} ${rows} in ${durationText(event.ms)}`,
        );
      }
      case "warning":
        return this.printer.warning(event.message, event.stream);
      case "stream_finished":
        this.#running.delete(event.stream);
        return this.#tellFinished(event.result);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #tellRunning(): void {
    for (const [stream, { since, phase, rows, bytes }] of this.#running) {
      const doing = phase === undefined ? "waiting" : DOING[phase];
      const time = durationText(performance.now() - since);
      this.printer.progress(
        stream,
        `${doing}, ${counted(rows, "row")}, ${bytesText(bytes)}, ${time}`,
      );
    }
  }

  #tellFinished({ stream, status, error, ...result }: StreamResult): void {
    const time = durationText(result.extract_ms + result.load_ms);
    const extracted = `${counted(result.rows_extracted, "row")} extracted`;
    const loaded = `${counted(result.rows_loaded, "row")} loaded`;
    const done = { run: [extracted, loaded], extract: [extracted], load: [loaded] }[this.phase];
    this.printer.progress(stream, [status, ...done, time].join(", "));
    if (error !== undefined) this.printer.error(error.message);
  }
}
