import type { IO, Signal } from "./io.ts";
import { EXIT } from "./exit.ts";
import type { Printer } from "./printer.ts";

/** While it lasts, the first signal aborts what runs, and the second one ends the process. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #listening: Disposable;
  #received: Signal | undefined;

  constructor(io: IO, printer: Printer) {
    this.#listening = io.onSignal((signal) => {
      if (this.#received !== undefined) io.exit(EXIT[signal]);
      this.#received = signal;
      printer.warning(`${signal}: stopping and cleaning up, a second one stops at once`);
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
    this.#listening[Symbol.dispose]();
  }
}
