/** The log of the project's `logging`: one JSON object on each line of a file. */
import { dirname } from "node:path";
import { mkdirSync } from "node:fs";
import { ConfigurationError, messageOf } from "../core/errors.ts";
import type { LogSettings } from "../models/pipeline.ts";
import type { RunEvent } from "../runner/mod.ts";
import { visibleJSON } from "./text.ts";

const LEVELS = ["debug", "info", "warning", "error"] as const;
type Level = (typeof LEVELS)[number];

/** Appends what happens in a run to a file; without a file it does nothing. */
export class RunLog implements Disposable {
  readonly #file: Deno.FsFile | undefined;
  readonly #least: number;

  /**
   * `masked` takes secrets out of what is written.
   *
   * @throws {ConfigurationError} when the file cannot be written
   */
  constructor(
    { file, level = "info" }: LogSettings,
    private readonly pipeline: string,
    private readonly masked: (value: unknown) => unknown,
  ) {
    this.#least = LEVELS.indexOf(level);
    this.#file = file === undefined ? undefined : open(file);
  }

  onEvent({ type, ...event }: RunEvent): void {
    const level = levelOf({ type, ...event } as RunEvent);
    if (this.#file === undefined || LEVELS.indexOf(level) < this.#least) return;
    const time = new Date().toISOString();
    const { pipeline } = this;
    const line = visibleJSON(this.masked({ time, level, pipeline, event: type, ...event }));
    // One write a line: runs that share the file do not mix their lines.
    this.#file.writeSync(new TextEncoder().encode(`${line}\n`));
  }

  [Symbol.dispose](): void {
    this.#file?.close();
  }
}

function open(path: string): Deno.FsFile {
  try {
    mkdirSync(dirname(path), { recursive: true });
    return Deno.openSync(path, { append: true, create: true, mode: 0o600 });
  } catch (error) {
    throw new ConfigurationError(`Cannot write the log "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

function levelOf(event: RunEvent): Level {
  if (event.type === "progress") return "debug";
  if (event.type === "warning") return "warning";
  return event.type === "stream_finished" && event.result.status === "failed" ? "error" : "info";
}
