/** Ctrl-C and SIGTERM: the first aborts the work, the second ends the process. */
import { DXTError } from "../../core/errors.ts";
import type { IO, Signal } from "../terminal/stdio.ts";
import { EXIT } from "../terminal/exit_codes.ts";
import type { Printer } from "../output/printer.ts";

/** A signal ended the command. */
export class InterruptedError extends DXTError {
  constructor(signal: Signal) {
    super(`Cannot complete the command: ${signal} stopped it`);
  }
}

/**
 * Milliseconds from the first signal to the forced end of the process. It is shorter than the time
 * an orchestrator waits before it kills, and long enough to end workers.
 */
const EXIT_MS = 9000;

/**
 * Listens for signals until it is disposed. The first signal aborts `signal`; the second, or work
 * that has not stopped `exitMs` after the first, ends the process.
 */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #listening: Disposable;
  #received: Signal | undefined;
  #exit: ReturnType<typeof setTimeout> | undefined;

  constructor(io: IO, printer: Printer, exitMs = EXIT_MS) {
    const end = (signal: Signal) => {
      printer.failedResult("cancelled", new InterruptedError(signal));
      io.exit(EXIT[signal]);
    };
    this.#listening = io.onSignal((signal) => {
      if (this.#received !== undefined) end(signal);
      this.#received = signal;
      printer.warning(`${signal}: stopping and cleaning up; a second signal stops at once`);
      this.#exit = setTimeout(() => {
        printer.warning(`${signal}: ended after ${exitMs / 1000} s, a worker did not stop`);
        end(signal);
      }, exitMs);
      this.#controller.abort();
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The signal that aborted the work, if any. */
  get received(): Signal | undefined {
    return this.#received;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#exit);
    this.#listening[Symbol.dispose]();
  }
}
