/** Progress of `dxt diff` on stderr: the rows that were read of both sides. */
import { countNoun } from "../format_units.ts";
import type { Printer } from "../printer.ts";
import { type ProgressOptions, QUIET_MS, REDRAW_MS, REPEAT_MS } from "./progress.ts";

/** A terminal has one live line; any other stderr gets a line every few seconds. */
export class ScanProgress implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #now: () => number;
  #scan: { readonly stream: string; readonly rows: number; readonly since: number } | undefined;

  constructor(
    private readonly printer: Printer,
    { interval, now = () => performance.now() }: ProgressOptions = {},
  ) {
    this.#now = now;
    this.#timer = setInterval(
      () => this.show(),
      interval ?? (printer.isLive ? REDRAW_MS : REPEAT_MS),
    );
  }

  /** @param rows of both sides that were read of the stream so far */
  onRows(stream: string, rows: number): void {
    const since = this.#scan?.stream === stream ? this.#scan.since : this.#now();
    this.#scan = { stream, rows, since };
  }

  /** Called before anything else is printed of a stream that has been compared. */
  clear(): void {
    this.#scan = undefined;
    if (this.printer.isLive) this.printer.draw([]);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.clear();
  }

  /** Shows the rows read so far, unless the comparison has only just begun. */
  show(): void {
    if (this.#scan === undefined || this.#now() - this.#scan.since < QUIET_MS) return;
    const { stream, rows } = this.#scan;
    const text = `comparing, ${countNoun(rows, "row")} read`;
    if (this.printer.isLive) this.printer.draw([[{ text: `${stream}  ${text}` }]]);
    else this.printer.progress(stream, text);
  }
}
