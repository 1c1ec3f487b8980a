/** A worker, as its host sees it. */
import { DXTError } from "../core/errors.ts";
import { toTransferable } from "../core/values/transferable_value.ts";
import { BoundedThread, BoundError, BOUNDS, type Bounds } from "./bounds.ts";
import { ProgressClock } from "./clock.ts";
import { fromError, type FromThread, isFromThread, toError, type ToThread } from "./messages.ts";
import type { Jobs } from "./serve.ts";

/**
 * Time in milliseconds that a worker has to reply to an abort before it is ended. Orchestrators
 * wait at least ten seconds before they kill a process.
 */
const GRACE_MS = 4000;

/** Options of one call. */
export interface CallOptions<Progress> {
  readonly signal: AbortSignal;
  /** Whether the job cleans up: it then starts even after an abort, and does not receive aborts. */
  readonly cleansUp?: boolean;
  /** Called with each progress message of the job. */
  onProgress?(progress: Progress): void;
}

/** Validates messages from workers; throws on an invalid one. */
export interface ThreadChecks {
  /** @param external whether untrusted code runs in the worker */
  answer(job: string, value: unknown, external: boolean): unknown;
  progress(job: string, value: unknown): unknown;
}

/** Input, result and progress of a job. */
export type JobInput<J> = J extends (input: infer Input, ...rest: never[]) => unknown ? Input
  : never;
export type JobResult<J> = J extends (...args: never[]) => Promise<infer Result> ? Result : never;
export type JobProgress<J> = J extends
  (input: never, report: (progress: infer Progress) => void, ...rest: never[]) => unknown ? Progress
  : never;

/** Permissions and bounds of a worker. */
export interface ThreadKind {
  readonly permissions: Deno.PermissionOptions;
  /** Whether untrusted code runs in it, so that bounds apply to its memory, time and messages. */
  readonly external: boolean;
  /** Overrides of the default bounds for untrusted code. */
  readonly bounds?: Partial<Bounds>;
}

/** A worker for dxt's own code, without bounds. */
class FreeThread {
  onmessage: ((event: { data: unknown }) => void) | undefined;
  /** Called once when the worker has ended, with the reason. */
  onend: ((error: DXTError) => void) | undefined;
  readonly #worker: Worker;

  constructor(module: URL, permissions: Deno.PermissionOptions) {
    this.#worker = new Worker(module, { type: "module", deno: { permissions } });
    this.#worker.onmessage = (event) => this.onmessage?.(event);
    this.#worker.onerror = (event) => {
      // Otherwise the runtime treats it as an error of the host.
      event.preventDefault();
      this.onend?.(new DXTError(`A worker ended: ${event.message}`));
    };
  }

  postMessage(message: unknown): void {
    this.#worker.postMessage(message);
  }

  terminate(): void {
    this.#worker.terminate();
  }
}

/** A message that belongs to one call. */
type Answer = Extract<FromThread, { readonly id: number }>;

/** A worker whose module calls `serveJobs`, which runs the module's jobs. */
export class Thread<J extends Jobs = Jobs> implements Disposable {
  /** Called with warnings of the running jobs; set by the holder of the lease. */
  onWarning: ((message: string, isWait: boolean) => void) | undefined;
  /** Called with statements of the running jobs; set by the holder of the lease. */
  onStatement: ((statement: string) => void) | undefined;
  readonly #worker: BoundedThread | FreeThread;
  readonly #calls = new Map<number, (message: Answer) => void>();
  readonly #created = performance.now();
  #startMs: number | undefined;
  #last = 0;
  #lost: Error | undefined;
  /** Set for untrusted code only. */
  readonly #clock: ProgressClock | undefined;

  constructor(
    module: URL,
    { permissions, external, bounds: own = {} }: ThreadKind,
    private readonly checks: ThreadChecks,
  ) {
    const bounds = { ...BOUNDS, ...own };
    this.#worker = external
      ? new BoundedThread(module, { permissions, bounds })
      : new FreeThread(module, permissions);
    if (external) {
      this.#clock = new ProgressClock(bounds.progressMs, () => this.#fail(progressError(bounds)));
    }
    this.#worker.onmessage = ({ data }) => {
      if (isFromThread(data)) this.#receive(data);
      else this.#fail(new DXTError("A worker ended: it sent an invalid message"));
    };
    this.#worker.onend = (error) => this.#fail(error);
  }

  /** Whether the worker ended by itself; the results of its calls are lost. */
  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /** Milliseconds from its creation to its first message; 0 before. */
  get startMs(): number {
    return this.#startMs ?? 0;
  }

  /**
   * Runs a job and returns its result; input, progress and result are cloned. Passes an abort on
   * and waits for the reply; ends a worker that does not reply in time.
   */
  async call<K extends keyof J & string>(
    job: K,
    input: JobInput<J[K]>,
    { signal, cleansUp = false, onProgress }: CallOptions<JobProgress<J[K]>>,
  ): Promise<JobResult<J[K]>> {
    if (!cleansUp) signal.throwIfAborted();
    if (this.#lost !== undefined) throw this.#lost;
    const id = ++this.#last;
    let grace: ReturnType<typeof setTimeout> | undefined;
    const abort = () => {
      if (!cleansUp) this.#post({ type: "abort", id, reason: fromError(signal.reason) });
      grace = setTimeout(() => this.#fail(abortError(job)), GRACE_MS);
    };
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#calls.set(id, (message) => {
      try {
        if (message.type === "progress") {
          onProgress?.(this.checks.progress(job, message.progress) as JobProgress<J[K]>);
        } else if (message.type === "done") {
          resolve(this.checks.answer(job, message.result, this.#clock !== undefined));
        } else reject(signal.aborted ? signal.reason : toError(message.error));
      } catch (error) {
        reject(error);
      }
    });
    using _open = this.#clock?.open();
    try {
      this.#post({ type: "call", id, job, input: toTransferable(input) });
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort);
      return await promise as JobResult<J[K]>;
    } finally {
      clearTimeout(grace);
      signal.removeEventListener("abort", abort);
      this.#calls.delete(id);
    }
  }

  /** Excludes the time in which the worker waits for its host, until the result is disposed of. */
  hold(): Disposable | undefined {
    return this.#clock?.hold();
  }

  /** Ends the worker at once, whatever it does. */
  [Symbol.dispose](): void {
    this.#clock?.stop();
    this.#worker.terminate();
  }

  #receive(message: FromThread): void {
    this.#startMs ??= performance.now() - this.#created;
    this.#clock?.renew();
    if (message.type === "crashed") this.#fail(toError(message.error));
    else if (message.type === "warning") this.onWarning?.(message.message, message.isWait);
    else if (message.type === "statement") this.onStatement?.(message.statement);
    else this.#calls.get(message.id)?.(message);
  }

  #fail(error: Error): void {
    this.#lost ??= error;
    this.#clock?.stop();
    this.#worker.terminate();
    for (const [id, answer] of this.#calls) answer({ type: "failed", id, error: fromError(error) });
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }
}

function progressError({ progressMs }: Bounds): BoundError {
  const detail = `it made no progress for ${progressMs / 1000} s (external_timeout)`;
  return new BoundError("progressMs", detail);
}

function abortError(job: string): DXTError {
  return new DXTError(
    `Cannot stop "${job}": its worker has not answered ${GRACE_MS / 1000} s after the abort`,
  );
}
