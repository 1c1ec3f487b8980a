/** Threads that do jobs side by side. */
import { DXTError } from "../core/errors.ts";
import { type FromThread, rethrown, thrown, type ToThread } from "./messages.ts";

/** A job for a thread: its name there, and its input, which is cloned. */
export interface Task<News> {
  readonly job: string;
  readonly input: unknown;
  readonly signal: AbortSignal;
  /** Hears what the thread tells meanwhile. */
  onNews(news: News): void;
}

/**
 * Threads of one module, started when they are needed and kept for the next job. At most `most`
 * tasks of each job run at once, the others wait their turn.
 */
export class ThreadPool implements Disposable {
  readonly #idle: Thread[] = [];
  readonly #all = new Set<Thread>();
  readonly #running = new Map<string, number>();
  readonly #waiting: { job: string; start: () => void }[] = [];

  /** `module` calls `serve`. */
  constructor(private readonly module: URL, readonly most: number) {}

  /** Does a task on a thread. An abort is passed on, and the thread's answer is waited for. */
  async run<Result, News = never>(task: Task<News>): Promise<Result> {
    await this.#turn(task.job);
    const thread = this.#idle.pop() ?? this.#start();
    try {
      const result = await thread.run(task as Task<unknown>);
      return result as Result;
    } finally {
      if (thread.lost) this.#all.delete(thread);
      else this.#idle.push(thread);
      this.#end(task.job);
    }
  }

  [Symbol.dispose](): void {
    for (const thread of this.#all) thread.terminate();
    this.#all.clear();
  }

  #start(): Thread {
    const thread = new Thread(this.module);
    this.#all.add(thread);
    return thread;
  }

  async #turn(job: string): Promise<void> {
    const running = this.#running.get(job) ?? 0;
    if (running < this.most) this.#running.set(job, running + 1);
    else await new Promise<void>((start) => this.#waiting.push({ job, start }));
  }

  /** Hands the turn on to the next of the same job. */
  #end(job: string): void {
    const next = this.#waiting.findIndex((waiting) => waiting.job === job);
    if (next >= 0) this.#waiting.splice(next, 1)[0]!.start();
    else this.#running.set(job, this.#running.get(job)! - 1);
  }
}

/** One thread, which does one task at a time. */
class Thread {
  readonly #worker: Worker;
  /** It ended by itself: what it did is lost. */
  lost = false;
  #answer: ((message: FromThread) => void) | undefined;

  constructor(module: URL) {
    this.#worker = new Worker(module, { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#answer?.(data as FromThread);
    this.#worker.onerror = (event) => {
      // Or the runtime takes it for an error of the host.
      event.preventDefault();
      this.lost = true;
      const error = thrown(new DXTError(`A thread ended: ${event.message}`));
      this.#answer?.({ type: "failed", error });
    };
  }

  async run({ job, input, signal, onNews }: Task<unknown>): Promise<unknown> {
    signal.throwIfAborted();
    const abort = () => this.#post({ type: "abort", reason: thrown(signal.reason) });
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#answer = (message) => {
      if (message.type === "news") onNews(message.news);
      else if (message.type === "done") resolve(message.result);
      else reject(signal.aborted ? signal.reason : rethrown(message.error));
    };
    signal.addEventListener("abort", abort);
    try {
      this.#post({ type: "start", job, input });
      return await promise;
    } finally {
      signal.removeEventListener("abort", abort);
      this.#answer = undefined;
    }
  }

  terminate(): void {
    this.#worker.terminate();
  }

  #post(message: ToThread): void {
    this.#worker.postMessage(message);
  }
}
