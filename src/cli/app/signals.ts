import type { IO, Signal } from "../terminal/stdio.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import type { Printer } from "../output/printer.ts";

/**
 * Milliseconds from a signal to the end of the process, whatever is still at work: less than an
 * orchestrator waits before it kills, and time enough for workers that have to be ended.
 */
const EXIT_MS = 9000;

/**
 * While it lasts, the first signal aborts what runs, and the second one ends the process; so does
 * time, where what runs does not stop.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #listening: Disposable;
  #received: Signal | undefined;
  #exit: ReturnType<typeof setTimeout> | undefined;

  constructor(io: IO, printer: Printer, exitMs = EXIT_MS) {
    this.#listening = io.onSignal((signal) => {
      if (this.#received !== undefined) io.exit(EXIT[signal]);
      this.#received = signal;
      printer.warning(`${signal}: stopping and cleaning up, a second one stops at once`);
      this.#exit = setTimeout(() => {
        printer.warning(`${signal}: ended after ${exitMs / 1000} s, a worker did not stop`);
        io.exit(EXIT[signal]);
      }, exitMs);
      this.#controller.abort();
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The signal that aborted. */
  get received(): Signal | undefined {
    return this.#received;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#exit);
    this.#listening[Symbol.dispose]();
  }
}
