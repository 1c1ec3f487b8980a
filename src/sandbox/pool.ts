/** Threads that are used again by those who may do the same. */
import type { Jobs } from "./serve.ts";
import type { Bounds } from "./bounds.ts";
import { Thread, type ThreadChecks, type ThreadKind } from "./thread.ts";

/**
 * Milliseconds of work after which a thread is not kept: what it holds is much, and what it takes to
 * start another is little beside what it did.
 */
const LONG_MS = 1500;

/** A thread that is one's own until it is disposed of. */
export interface Lease<J extends Jobs> extends Disposable {
  readonly thread: Thread<J>;
}

/**
 * Threads of one module, started when they are needed, each with permissions of its own. Those that
 * had little to do are kept for who needs the same. At most `most` turns of each kind are taken at once.
 */
export class ThreadPool<J extends Jobs = Jobs> implements Disposable {
  /** The longest idle first. */
  #idle: { readonly key: string; readonly thread: Thread<J> }[] = [];
  readonly #all = new Set<Thread<J>>();
  readonly #turns = new Map<string, number>();
  readonly #waiting: { kind: string; start: () => void }[] = [];

  /**
   * `module` calls `serve`. Without a sandbox its own code may do what the host may; `bounds` are
   * those of external code that are not the usual ones.
   */
  constructor(
    private readonly module: URL,
    readonly most: number,
    private readonly checks: ThreadChecks,
    private readonly sandbox = true,
    private readonly bounds: Partial<Bounds> = {},
  ) {}

  /** A thread of this kind. One of external code is new, and ends with the lease. */
  lease({ permissions, external }: ThreadKind): Lease<J> {
    if (external) {
      const thread = this.#start({ permissions, external, bounds: this.bounds });
      return { thread, [Symbol.dispose]: () => this.#end(thread) };
    }
    const kind = this.#kindOf(permissions);
    const key = JSON.stringify(kind);
    const at = this.#idle.findLastIndex((idle) => idle.key === key && !idle.thread.lost);
    const thread = at >= 0 ? this.#idle.splice(at, 1)[0]!.thread : this.#start(kind);
    const start = performance.now();
    const release = () => {
      if (thread.lost || performance.now() - start > LONG_MS) this.#end(thread);
      else this.#idle.push({ key, thread });
    };
    return { thread, [Symbol.dispose]: release };
  }

  /** Starts a thread of this kind that somebody will lease soon: it takes a while to be ready. */
  warm({ permissions, external }: ThreadKind): void {
    if (external || this.#all.size >= 2 * this.most) return;
    const kind = this.#kindOf(permissions);
    const key = JSON.stringify(kind);
    if (this.#idle.some((idle) => idle.key === key)) return;
    this.#idle.push({ key, thread: this.#start(kind) });
  }

  /** Waits until fewer than `most` of this kind are at work; one's turn ends with what is returned. */
  async turn(kind: string): Promise<Disposable> {
    const taken = this.#turns.get(kind) ?? 0;
    if (taken < this.most) this.#turns.set(kind, taken + 1);
    else await new Promise<void>((start) => this.#waiting.push({ kind, start }));
    return { [Symbol.dispose]: () => this.#endTurn(kind) };
  }

  [Symbol.dispose](): void {
    for (const thread of this.#all) thread[Symbol.dispose]();
    this.#all.clear();
    this.#idle = [];
  }

  #kindOf(permissions: ThreadKind["permissions"]): ThreadKind {
    return { permissions: this.sandbox ? permissions : "inherit", external: false };
  }

  #start(kind: ThreadKind): Thread<J> {
    // A source and a target for each turn are what is used again; more would only take memory.
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
