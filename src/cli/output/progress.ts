/** Progress of a run on stderr. */
import type { StreamResult } from "../../models/result.ts";
import type { Phase, RunEvent } from "../../runner/mod.ts";
import type { Printer } from "./printer.ts";
import { displayWidth, truncate } from "./terminal_text.ts";
import { bytesText, countNoun, countText, durationText } from "./format_units.ts";

/** State of a stream that is running. */
interface Running {
  /** Start of the phase, in milliseconds of `performance.now()`. */
  since: number;
  phase?: "extract" | "load";
  rows: number;
  bytes: number;
  /** Rows of the phase, if known: a load has as many as were extracted. */
  total?: number;
  /** Whether the extraction is complete. */
  extracted: boolean;
  /** Rows loaded before the extraction was complete. */
  early: number;
}

const RUNNING = { extract: "extracting", load: "loading" } as const;
const DONE = { extract: "extracted", load: "loaded" } as const;

/** Milliseconds between two redraws on a terminal. */
const REDRAW_MS = 100;
/** Milliseconds between two lines of a stream when stderr is not a terminal. */
const REPEAT_MS = 5_000;
/** Share of a line for stream names. */
const NAME_SHARE = 0.4;

/**
 * Shows the progress of a run. A terminal has one live line per running stream; any other stderr
 * gets a line for each event, and every few seconds one for each running stream.
 */
export class Progress implements Disposable {
  readonly #running = new Map<string, Running>();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #live: boolean;

  constructor(
    private readonly printer: Printer,
    private readonly phase: Phase,
    interval?: number,
  ) {
    this.#live = printer.isLive;
    this.#timer = setInterval(
      () => this.#live ? this.draw() : this.#printRunning(),
      interval ?? (this.#live ? REDRAW_MS : REPEAT_MS),
    );
  }

  onEvent(event: RunEvent): void {
    switch (event.type) {
      case "stream_started":
        this.#running.set(event.stream, {
          since: performance.now(),
          rows: 0,
          bytes: 0,
          extracted: this.phase === "load",
          early: 0,
        });
        if (!this.#live) this.printer.progress(event.stream, "started");
        return;
      case "progress":
        return this.#onProgress(event);
      case "phase_finished": {
        const running = this.#running.get(event.stream);
        if (running !== undefined && event.phase === "extract") {
          Object.assign(running, { total: event.rows, extracted: true });
        }
        const rows = countNoun(event.rows, "row");
        return this.printer.detail(
          event.stream,
          `${DONE[event.phase]} ${rows} in ${durationText(event.ms)}`,
        );
      }
      case "warning":
        return this.printer.warning(event.message, event.stream);
      case "stream_finished":
        this.#running.delete(event.stream);
        if (this.#live) this.draw();
        return this.#printFinished(event.result);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#live) this.printer.draw([]);
  }

  #onProgress({ stream, phase, rows, bytes, total }: RunEvent & { type: "progress" }): void {
    const running = this.#running.get(stream);
    if (running === undefined) return;
    if (phase === "load" && !running.extracted) {
      running.early = rows;
      return;
    }
    if (total !== undefined) running.total = total;
    // The rate is measured from the start of the phase.
    if (running.phase !== undefined && running.phase !== phase) running.since = performance.now();
    Object.assign(running, { phase, rows, bytes });
  }

  /** Draws the running streams now. */
  draw(): void {
    const running = [...this.#running];
    const most = Math.max(8, Math.floor(this.printer.width * NAME_SHARE));
    const names = running.map(([stream]) => truncate(stream, most));
    const width = Math.max(0, ...names.map(displayWidth));
    this.printer.draw(
      running.map(([, stream], i) => {
        const name = names[i]!;
        return `${name}${" ".repeat(width - displayWidth(name))}  ${
          describeState(stream).join("  ")
        }`;
      }),
    );
  }

  #printRunning(): void {
    for (const [stream, running] of this.#running) {
      this.printer.progress(stream, describeState(running).join(", "));
    }
  }

  #printFinished({ stream, status, error, ...result }: StreamResult): void {
    const time = durationText(result.extract_ms + result.load_ms);
    const extracted = `${countNoun(result.rows_extracted, "row")} extracted`;
    const loaded = `${countNoun(result.rows_loaded, "row")} loaded`;
    const done = { run: [extracted, loaded], extract: [extracted], load: [loaded] }[this.phase];
    this.printer.progress(stream, [status, ...done, time].join(", "));
    if (error !== undefined) this.printer.error(error.message);
  }
}

/** Phase, rows, bytes, time, rate, and the time left when the total is known. */
function describeState({ since, phase, rows, bytes, total, early }: Running): string[] {
  const ms = performance.now() - since;
  const state = [
    phase === undefined ? "waiting" : RUNNING[phase],
    countNoun(rows, "row"),
    // Some loaders report no bytes.
    ...(bytes === 0 && rows > 0 ? [] : [bytesText(bytes)]),
    durationText(ms),
  ];
  const done = phase === "load" ? rows - early : rows;
  if (done <= 0 || ms < 1) return state;
  const rate = done / ms;
  state.push(`${countText(Math.round(rate * 1000))} rows/s`);
  if (total !== undefined && total >= rows) {
    state.push(`ETA ${durationText((total - rows) / rate)}`);
  }
  return state;
}
