/** The worker's side: runs the jobs that its host calls. */
import { DXTError } from "../core/errors.ts";
import { fromTransferable, toTransferable } from "../core/values/transferable_value.ts";
import { onUncaught, openPort, type Port } from "./port.ts";
import { fromError, type FromThread, toError, type ToThread } from "./messages.ts";

/** Work that a worker can do; `report` sends progress to the host. */
export type Job<Input = never, Result = unknown, Progress = never> = (
  input: Input,
  report: (progress: Progress) => void,
  signal: AbortSignal,
) => Promise<Result>;

export type Jobs = Readonly<Record<string, Job<never, unknown, unknown>>>;

let port: Port | undefined;

function post(message: FromThread): void {
  port?.post(message);
}

/** Sends a warning to the host; does nothing in a module that does not serve. */
export function sendWarning(message: string, isWait = false): void {
  post({ type: "warning", message, isWait });
}

/** Sends a statement to the host's log. */
export function sendStatement(statement: string): void {
  post({ type: "statement", statement });
}

/** Serves the host's calls from now on. */
export function serveJobs(jobs: Jobs): void {
  port = openPort();
  const running = new Map<number, AbortController>();
  const call = async (id: number, name: string, input: unknown) => {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      if (!Object.hasOwn(jobs, name)) throw new DXTError(`Cannot do "${name}": no such job`);
      const report = (progress: unknown) => post({ type: "progress", id, progress });
      const result = await jobs[name]!(fromTransferable(input) as never, report, controller.signal);
      post({ type: "done", id, result: toTransferable(result) });
    } catch (error) {
      post({ type: "failed", id, error: fromError(error) });
    } finally {
      running.delete(id);
    }
  };
  port.listen((message) => {
    const data = message as ToThread;
    if (data.type === "abort") running.get(data.id)?.abort(toError(data.reason));
    else void call(data.id, data.job, data.input);
  });
  // If uncaught, the runtime would print the error with its stack and any secret in it.
  onUncaught((error) => post({ type: "crashed", error: fromError(error) }));
}
