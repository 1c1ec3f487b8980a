/** Progress of a run on stderr. */
import type { StreamResult } from "../../../models/result.ts";
import type { Phase, RunEvent } from "../../../runner/mod.ts";
import { bytesText, clockText, countNoun, countText, durationText } from "../format_units.ts";
import { MovingRate } from "./moving_rate.ts";
import type { Printer } from "../printer.ts";
import { type ProgressLine, ProgressTable } from "./progress_table.ts";
import type { Cell } from "../table.ts";
import { displayWidth } from "../terminal_text.ts";

type Step = "extract" | "load";

/** State of a stream that is running. */
interface Running {
  /** Start of the stream, in milliseconds of the clock. */
  readonly since: number;
  /** The step that makes progress; undefined while the stream waits. */
  step: Step | undefined;
  /** What the stream waits for, such as "for the source". */
  reason: string;
  /** Rows and bytes of each step so far. A load reports no bytes. */
  readonly rows: Record<Step, number>;
  bytes: number;
  readonly rates: Record<Step, MovingRate>;
  /** Rows that the source estimates, or that were extracted. */
  total?: number;
  /** Whether the extraction is complete. */
  extracted: boolean;
}

const RUNNING = { extract: "extracting", load: "loading" } as const;
const DONE = { extract: "extracted", load: "loaded" } as const;

/** Milliseconds between two redraws on a terminal. */
export const REDRAW_MS = 100;
/** Milliseconds before the first drawing: a short run shows its result alone. */
export const QUIET_MS = 1_000;
/** Milliseconds between two lines of a stream when stderr is not a terminal. */
export const REPEAT_MS = 5_000;

export interface ProgressOptions {
  /** Milliseconds between two redraws, or between two lines of a stream. */
  readonly interval?: number;
  /** The clock, in milliseconds. */
  readonly now?: () => number;
}

/**
 * Shows the progress of a run. A terminal has one live line per running stream, and one about the
 * run; any other stderr gets a line for each event, and every few seconds one for each running stream.
 */
export class Progress implements Disposable {
  readonly #running = new Map<string, Running>();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #live: boolean;
  readonly #now: () => number;
  readonly #start: number;
  readonly #table = new ProgressTable();
  readonly #rate = new MovingRate();
  /** Streams of the run, once known. */
  #streams: number | undefined;
  /** Streams that have ended, with their rows and bytes. */
  readonly #ended = { streams: 0, rows: 0, bytes: 0 };

  constructor(
    private readonly printer: Printer,
    private readonly phase: Phase,
    { interval, now = () => performance.now() }: ProgressOptions = {},
  ) {
    this.#live = printer.isLive;
    this.#now = now;
    this.#start = now();
    this.#timer = setInterval(
      () => this.#live ? this.draw() : this.#printRunning(),
      interval ?? (this.#live ? REDRAW_MS : REPEAT_MS),
    );
  }

  onEvent(event: RunEvent): void {
    switch (event.type) {
      case "run_planned":
        this.#streams = event.streams;
        return;
      case "stream_started":
        this.#running.set(event.stream, this.#newStream());
        if (!this.#live) this.printer.progress(event.stream, "started");
        return;
      case "waiting": {
        const running = this.#running.get(event.stream);
        if (running !== undefined) {
          Object.assign(running, { step: undefined, reason: event.reason });
        }
        return;
      }
      case "progress":
        return this.#onProgress(event);
      case "statement":
        return;
      case "phase_finished":
        return this.#onPhaseFinished(event);
      case "warning":
        return this.printer.warning(event.message, event.stream);
      case "stream_finished":
        this.#end(event.result);
        if (this.#live) this.draw();
        return this.#printFinished(event.result);
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    if (this.#live) this.printer.draw([]);
  }

  /** Draws the running streams now, unless the run has only just begun. */
  draw(): void {
    const now = this.#now();
    if (now - this.#start < QUIET_MS) return;
    // Some terminals wrap as soon as the last column is written.
    const width = this.printer.width - 1;
    const lines = [...this.#running].map(([name, stream]) => describeLine(name, stream, now));
    const style = this.printer.styler();
    this.printer.draw([
      ...this.#table.layOut(lines, width, style),
      ...(this.#hasOneStream() ? [] : [[this.#totals(now, width, style("dim"))]]),
    ]);
  }

  #newStream(): Running {
    const onlyLoads = this.phase === "load";
    return {
      since: this.#now(),
      step: undefined,
      reason: onlyLoads ? "for the target" : "for the source",
      rows: { extract: 0, load: 0 },
      bytes: 0,
      rates: { extract: new MovingRate(), load: new MovingRate() },
      extracted: onlyLoads,
    };
  }

  #end({ stream, rows_extracted, rows_loaded, bytes_staged }: StreamResult): void {
    // The files of a stage are compressed: they are smaller than what was read.
    const bytes = this.#running.get(stream)?.bytes || bytes_staged;
    this.#running.delete(stream);
    this.#ended.streams++;
    this.#ended.rows += this.phase === "load" ? rows_loaded : rows_extracted;
    this.#ended.bytes += bytes;
  }

  /** Whether the run has only one stream, whose line shows everything. */
  #hasOneStream(): boolean {
    return (this.#streams ?? this.#running.size + this.#ended.streams) <= 1;
  }

  #totals(now: number, width: number, style: (text: string) => string): Cell {
    const step = this.phase === "load" ? "load" : "extract";
    const { streams, rows, bytes } = [...this.#running.values()].reduce(
      (sum, stream) => ({
        ...sum,
        rows: sum.rows + stream.rows[step],
        bytes: sum.bytes + stream.bytes,
      }),
      this.#ended,
    );
    this.#rate.add(rows, now);
    const rate = this.#rate.perSecond(now);
    const of = this.#streams === undefined ? "" : ` of ${countText(this.#streams)}`;
    const done = `${countText(streams)}${of} streams done`;
    const [all, speed, clock] = [
      countNoun(rows, "row"),
      rate === undefined ? [] : [`${countText(Math.round(rate))} rows/s`],
      clockText(now - this.#start),
    ];
    const [text] = [
      [done, all, bytesText(bytes), ...speed, clock],
      [done, all, ...speed, clock],
      [done, all, clock],
    ].map((parts) => parts.join(", ")).filter((text) => displayWidth(text) <= width);
    return { text: text ?? done, style };
  }

  #onProgress({ stream, phase, rows, bytes, total }: RunEvent & { type: "progress" }): void {
    const running = this.#running.get(stream);
    if (running === undefined) return;
    running.rows[phase] = rows;
    running.rates[phase].add(rows, this.#now());
    // A load that begins early is shown when everything is extracted.
    if (phase === "load" && !running.extracted) return;
    running.step = phase;
    if (total !== undefined) running.total = total;
    if (phase === "load") return;
    running.bytes = bytes;
    running.extracted = false;
  }

  #onPhaseFinished({ stream, phase, rows, ms }: RunEvent & { type: "phase_finished" }): void {
    const running = this.#running.get(stream);
    if (running !== undefined && phase === "extract") {
      running.rows.extract = rows;
      Object.assign(running, { total: rows, extracted: true });
    }
    this.printer.detail(stream, `${DONE[phase]} ${countNoun(rows, "row")} in ${durationText(ms)}`);
  }

  #printRunning(): void {
    const now = this.#now();
    for (const [name, stream] of this.#running) {
      const { state, reason, rows, percent, bytes, elapsed, rate, left } = describeLine(
        name,
        stream,
        now,
      );
      const share = percent === undefined ? "" : ` (${percent})`;
      const parts = reason === undefined
        ? [state, `${rows}${share}`, bytes, rate, elapsed, left]
        : [`${state} ${reason}`, elapsed];
      this.printer.progress(name, parts.filter((part) => part !== undefined).join(", "));
    }
  }

  #printFinished(result: StreamResult): void {
    const { stream, status, error } = result;
    // On a terminal the summary shows the streams that succeeded.
    if (!this.#live || status === "cancelled") {
      const extracted = `${countNoun(result.rows_extracted, "row")} extracted`;
      const loaded = `${countNoun(result.rows_loaded, "row")} loaded`;
      const done = { run: [extracted, loaded], extract: [extracted], load: [loaded] }[this.phase];
      const parts = [status, ...done, durationText(result.duration_ms)];
      this.printer.progress(stream, parts.join(", "));
    }
    if (error !== undefined) this.printer.error(error.message);
  }
}

/** State, rows, rate, and the time left when the total is known. */
function describeLine(name: string, stream: Running, now: number): ProgressLine {
  const { since, step, reason, rows, bytes, rates, total, extracted } = stream;
  const elapsed = clockText(now - since);
  if (step === undefined) return { name, state: "waiting", color: "yellow", elapsed, reason };
  const done = rows[step];
  const rate = rates[step].perSecond(now);
  // An estimate may be too low.
  const known = total !== undefined && total >= done && total > 0 ? total : undefined;
  return {
    ...{ name, state: RUNNING[step], color: "green", elapsed },
    ...(known === undefined ? { rows: countNoun(done, "row") } : {
      share: done / known,
      percent: `${Math.floor(done / known * 100)}%`,
      rows: `${countText(done)} of ${extracted ? "" : "~"}${countNoun(known, "row")}`,
    }),
    ...(bytes === 0 ? {} : { bytes: bytesText(bytes) }),
    ...(rate === undefined ? {} : { rate: `${countText(Math.round(rate))}/s` }),
    ...(known === undefined || rate === undefined ? {} : {
      left: `${clockText((known - done) / rate * 1000)} left`,
    }),
  };
}
