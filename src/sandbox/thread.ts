/** One thread, seen from its host. */
import { DXTError } from "../core/errors.ts";
import { BoundedThread } from "./bounds.ts";
import { type FromThread, isFromThread, rethrown, thrown, type ToThread } from "./messages.ts";
import type { Jobs } from "./serve.ts";

export interface CallOptions<News> {
  readonly signal: AbortSignal;
  /** Hears what the thread tells meanwhile. */
  onNews?(news: News): void;
}

/** What a host makes of all that its threads say; throws for what it does not take. */
export interface ThreadChecks {
  answer(job: string, value: unknown): unknown;
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
  /** Receives the warnings of the jobs that run; set by whoever leases the thread. */
  onWarning: ((message: string) => void) | undefined;
  readonly #worker: BoundedThread | FreeThread;
  readonly #calls = new Map<number, (message: Answer) => void>();
  #last = 0;
  #lost: Error | undefined;

  constructor(
    module: URL,
    { permissions, external }: ThreadKind,
    private readonly checks: ThreadChecks,
  ) {
    this.#worker = external
      ? new BoundedThread(module, { permissions })
      : new FreeThread(module, permissions);
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
   * the thread's answer is waited for.
   */
  async call<K extends keyof J & string>(
    job: K,
    input: InputOf<J[K]>,
    { signal, onNews }: CallOptions<NewsOf<J[K]>>,
  ): Promise<ResultOf<J[K]>> {
    signal.throwIfAborted();
    if (this.#lost !== undefined) throw this.#lost;
    const id = ++this.#last;
    const abort = () => this.#post({ type: "abort", id, reason: thrown(signal.reason) });
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#calls.set(id, (message) => {
      try {
        if (message.type === "news") {
          onNews?.(this.checks.news(job, message.news) as NewsOf<J[K]>);
        } else if (message.type === "done") {
          resolve(this.checks.answer(job, message.result));
        } else reject(signal.aborted ? signal.reason : rethrown(message.error));
      } catch (error) {
        reject(error);
      }
    });
    signal.addEventListener("abort", abort);
    try {
      this.#post({ type: "call", id, job, input });
      return await promise as ResultOf<J[K]>;
    } finally {
      signal.removeEventListener("abort", abort);
      this.#calls.delete(id);
    }
  }

  /** Ends it at once, whatever it does. */
  [Symbol.dispose](): void {
    this.#worker.terminate();
  }

  #hear(message: FromThread): void {
    if (message.type === "crashed") this.#lose(rethrown(message.error));
    else if (message.type === "warning") this.onWarning?.(message.message);
    else this.#calls.get(message.id)?.(message);
  }

  #lose(error: Error): void {
    this.#lost ??= error;
    this.#worker.terminate();
    for (const [id, answer] of this.#calls) answer({ type: "failed", id, error: thrown(error) });
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }
}
