/** A pool of workers, reused by callers that need identical permissions. */
import type { Jobs } from "./serve.ts";
import type { Bounds } from "./bounds.ts";
import { Thread, type ThreadChecks, type ThreadKind } from "./thread.ts";

/**
 * A worker that worked this many milliseconds, and this many times as long as it took to start, is
 * not reused: it holds much memory, and starting another one costs little compared with its work.
 */
const LONG_MS = 1500;
const LONG_STARTS = 5;

/** A worker for one caller's exclusive use; disposing of the lease returns it to the pool. */
export interface Lease<J extends Jobs> extends Disposable {
  readonly thread: Thread<J>;
}

/**
 * Starts workers of one module on demand, each with its own permissions. A worker that worked only
 * briefly is kept for callers that need the same permissions. At most `most` turns of each kind run
 * at once.
 */
export class ThreadPool<J extends Jobs = Jobs> implements Disposable {
  /** Idle workers, the longest idle first. */
  #idle: { readonly key: string; readonly thread: Thread<J> }[] = [];
  readonly #all = new Set<Thread<J>>();
  readonly #turns = new Map<string, number>();
  readonly #waiting: { kind: string; start: () => void }[] = [];

  /**
   * @param module the workers' module, which calls `serveJobs`
   * @param sandbox false lets dxt's own code do whatever the host may
   * @param bounds overrides of the default bounds for untrusted code
   */
  constructor(
    private readonly module: URL,
    readonly most: number,
    private readonly checks: ThreadChecks,
    private readonly sandbox = true,
    private readonly bounds: Partial<Bounds> = {},
  ) {}

  /** Number of workers, idle ones included. */
  get size(): number {
    return this.#all.size;
  }

  /** Leases a worker of this kind. A worker for untrusted code is new and ends with the lease. */
  lease({ permissions, external }: ThreadKind): Lease<J> {
    if (external) {
      const thread = this.#start({ permissions, external, bounds: this.bounds });
      return { thread, [Symbol.dispose]: () => this.#end(thread) };
    }
    const kind = this.#effectiveKind(permissions);
    const key = JSON.stringify(kind);
    const at = this.#idle.findLastIndex((idle) => idle.key === key && !idle.thread.lost);
    const thread = at >= 0 ? this.#idle.splice(at, 1)[0]!.thread : this.#start(kind);
    const start = performance.now();
    const release = () => {
      const isLong = performance.now() - start > Math.max(LONG_MS, LONG_STARTS * thread.startMs);
      if (thread.lost || isLong) this.#end(thread);
      else this.#idle.push({ key, thread });
    };
    return { thread, [Symbol.dispose]: release };
  }

  /** Starts a worker in advance, since starting takes a while. */
  warm({ permissions, external }: ThreadKind): void {
    if (external || this.#all.size >= 2 * this.most) return;
    const kind = this.#effectiveKind(permissions);
    const key = JSON.stringify(kind);
    if (this.#idle.some((idle) => idle.key === key)) return;
    this.#idle.push({ key, thread: this.#start(kind) });
  }

  /** Waits until fewer than `most` turns of this kind run; dispose of the result to end it. */
  async turn(kind: string): Promise<Disposable> {
    const running = this.#turns.get(kind) ?? 0;
    if (running < this.most) this.#turns.set(kind, running + 1);
    else await new Promise<void>((start) => this.#waiting.push({ kind, start }));
    return { [Symbol.dispose]: () => this.#endTurn(kind) };
  }

  [Symbol.dispose](): void {
    for (const thread of this.#all) thread[Symbol.dispose]();
    this.#all.clear();
    this.#idle = [];
  }

  #effectiveKind(permissions: ThreadKind["permissions"]): ThreadKind {
    return { permissions: this.sandbox ? permissions : "inherit", external: false };
  }

  #start(kind: ThreadKind): Thread<J> {
    // Each turn reuses at most two workers, for source and target; more would only take memory.
    if (this.#all.size >= 2 * this.most) this.#end(this.#idle.shift()?.thread);
    const thread = new Thread<J>(this.module, kind, this.checks);
    this.#all.add(thread);
    return thread;
  }

  #end(thread: Thread<J> | undefined): void {
    if (thread === undefined) return;
    thread[Symbol.dispose]();
    this.#all.delete(thread);
  }

  #endTurn(kind: string): void {
    const next = this.#waiting.findIndex((waiting) => waiting.kind === kind);
    if (next >= 0) this.#waiting.splice(next, 1)[0]!.start();
    else this.#turns.set(kind, this.#turns.get(kind)! - 1);
  }
}
