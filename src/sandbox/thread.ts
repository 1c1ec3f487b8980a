/** One thread, seen from its host. */
import { DXTError } from "../core/errors.ts";
import { BoundedThread, BoundError, BOUNDS, type Bounds } from "./bounds.ts";
import { ProgressClock } from "./clock.ts";
import { fromError, type FromThread, isFromThread, toError, type ToThread } from "./messages.ts";
import type { Jobs } from "./serve.ts";

/**
 * Milliseconds that a thread has for its answer after an abort; then it is ended. An orchestrator
 * waits ten seconds or longer before it kills the whole process.
 */
const GRACE_MS = 4000;

export interface CallOptions<News> {
  readonly signal: AbortSignal;
  /** The job cleans up: it begins after an abort, too, and no abort is passed on to it. */
  readonly cleansUp?: boolean;
  /** Hears what the thread tells meanwhile. */
  onNews?(news: News): void;
}

/** What a host makes of all that its threads say; throws for what it does not take. */
export interface ThreadChecks {
  /** `external`: untrusted code runs in the thread. */
  answer(job: string, value: unknown, external: boolean): unknown;
  news(job: string, value: unknown): unknown;
}

type InputOf<J> = J extends (input: infer Input, ...rest: never[]) => unknown ? Input : never;
type ResultOf<J> = J extends (...args: never[]) => Promise<infer Result> ? Result : never;
type NewsOf<J> = J extends
  (input: never, tell: (news: infer News) => void, ...rest: never[]) => unknown ? News
  : never;

/** What a thread may do. */
export interface ThreadKind {
  readonly permissions: Deno.PermissionOptions;
  /** Whether code that is not dxt's runs in it: then its memory, time and messages have bounds. */
  readonly external: boolean;
  /** Bounds of external code that are not the usual ones. */
  readonly bounds?: Partial<Bounds>;
}

/** A thread of dxt's own code. */
class FreeThread {
  onmessage: ((event: { data: unknown }) => void) | undefined;
  /** Hears once why the thread is of no use any more. */
  onend: ((error: DXTError) => void) | undefined;
  readonly #worker: Worker;

  constructor(module: URL, permissions: Deno.PermissionOptions) {
    this.#worker = new Worker(module, { type: "module", deno: { permissions } });
    this.#worker.onmessage = (event) => this.onmessage?.(event);
    this.#worker.onerror = (event) => {
      // Or the runtime takes it for an error of the host.
      event.preventDefault();
      this.onend?.(new DXTError(`A thread ended: ${event.message}`));
    };
  }

  postMessage(message: unknown): void {
    this.#worker.postMessage(message);
  }

  terminate(): void {
    this.#worker.terminate();
  }
}

/** What a thread says of one call. */
type Answer = Extract<FromThread, { readonly id: number }>;

/** A thread that does the jobs of a module which calls `serve`. */
export class Thread<J extends Jobs = Jobs> implements Disposable {
  /** Receives the warnings of the jobs that run; set by the lease that uses it. */
  onWarning: ((message: string) => void) | undefined;
  readonly #worker: BoundedThread | FreeThread;
  readonly #calls = new Map<number, (message: Answer) => void>();
  #last = 0;
  #lost: Error | undefined;
  /** Of external code. */
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
      this.#clock = new ProgressClock(bounds.progressMs, () => this.#lose(late(bounds)));
    }
    this.#worker.onmessage = ({ data }) => {
      if (isFromThread(data)) this.#hear(data);
      else this.#lose(new DXTError("A thread ended: it said what nobody understands"));
    };
    this.#worker.onend = (error) => this.#lose(error);
  }

  /** It ended by itself: what it did is lost. */
  get lost(): boolean {
    return this.#lost !== undefined;
  }

  /**
   * Does a job and returns its result; input, news and result are cloned. An abort is passed on, and
   * the thread's answer is waited for; a thread that does not answer in time is ended.
   */
  async call<K extends keyof J & string>(
    job: K,
    input: InputOf<J[K]>,
    { signal, cleansUp = false, onNews }: CallOptions<NewsOf<J[K]>>,
  ): Promise<ResultOf<J[K]>> {
    if (!cleansUp) signal.throwIfAborted();
    if (this.#lost !== undefined) throw this.#lost;
    const id = ++this.#last;
    let grace: ReturnType<typeof setTimeout> | undefined;
    const abort = () => {
      if (!cleansUp) this.#post({ type: "abort", id, reason: fromError(signal.reason) });
      grace = setTimeout(() => this.#lose(unstopped(job)), GRACE_MS);
    };
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#calls.set(id, (message) => {
      try {
        if (message.type === "news") {
          onNews?.(this.checks.news(job, message.news) as NewsOf<J[K]>);
        } else if (message.type === "done") {
          resolve(this.checks.answer(job, message.result, this.#clock !== undefined));
        } else reject(signal.aborted ? signal.reason : toError(message.error));
      } catch (error) {
        reject(error);
      }
    });
    using _open = this.#clock?.open();
    try {
      this.#post({ type: "call", id, job, input });
      if (signal.aborted) abort();
      else signal.addEventListener("abort", abort);
      return await promise as ResultOf<J[K]>;
    } finally {
      clearTimeout(grace);
      signal.removeEventListener("abort", abort);
      this.#calls.delete(id);
    }
  }

  /** It waits for its host until what is returned is disposed of: that is no lack of progress. */
  hold(): Disposable | undefined {
    return this.#clock?.hold();
  }

  /** Ends it at once, whatever it does. */
  [Symbol.dispose](): void {
    this.#clock?.stop();
    this.#worker.terminate();
  }

  #hear(message: FromThread): void {
    this.#clock?.renew();
    if (message.type === "crashed") this.#lose(toError(message.error));
    else if (message.type === "warning") this.onWarning?.(message.message);
    else this.#calls.get(message.id)?.(message);
  }

  #lose(error: Error): void {
    this.#lost ??= error;
    this.#clock?.stop();
    this.#worker.terminate();
    for (const [id, answer] of this.#calls) answer({ type: "failed", id, error: fromError(error) });
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }
}

function late({ progressMs }: Bounds): BoundError {
  const detail = `it made no progress for ${progressMs / 1000} s (external_timeout)`;
  return new BoundError("progressMs", detail);
}

function unstopped(job: string): DXTError {
  return new DXTError(
    `Cannot stop "${job}": its worker has not answered ${GRACE_MS / 1000} s after the abort`,
  );
}
