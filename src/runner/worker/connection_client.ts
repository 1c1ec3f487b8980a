/** A connection in a worker, as the host uses it: each call is a job that the worker does. */
import {
  type Connector,
  CONNECTOR_METHODS,
  type ConnectorMethod,
} from "../../core/contracts/connector.ts";
import type { CommitRecord, LoadReceipt } from "../../core/contracts/loader.ts";
import { fromError, type Thrown } from "../../sandbox/messages.ts";
import type { ExternalCode } from "../../sandbox/modules/mod.ts";
import type { Lease } from "../../sandbox/pool.ts";
import type { JobInput, JobProgress, JobResult } from "../../sandbox/thread.ts";
import type { Threads } from "../contract/threads.ts";
import type { WorkerJobs } from "./inside/jobs.ts";
import type { DeadLetter } from "../../models/stored.ts";
import type { FinishInput, LoadInput, PlainEndpoint } from "./inside/protocol.ts";

/** What a worker connects to, and what it may do. */
export interface ClientSpec {
  readonly endpoint: PlainEndpoint;
  readonly permissions: Deno.PermissionOptions;
  /** Untrusted code that runs in it. */
  readonly codes: readonly ExternalCode[];
}

/** Keeps what a load is about to commit; the load commits when it resolves. */
export type OnCommit = (record: CommitRecord) => Promise<void>;

/** Where the rows go that a target refuses. */
export interface LetterBox {
  append(letters: readonly DeadLetter[]): void;
  /** Resolves when all letters are on disk. */
  seal(): Promise<void>;
}

/** Called with the warnings of a connection, and with its statements where they are logged. */
export interface ConnectionReports {
  readonly warn: (message: string, isWait: boolean) => void;
  readonly trace: ((statement: string) => void) | undefined;
}

/** The methods of a connector. */
export type ConnectorCalls = Pick<Connector, ConnectorMethod>;

/** A connection in a worker of its own. The worker connects when the first job needs it. */
export class ConnectionClient implements AsyncDisposable {
  /** The connector's own methods, each a job of the worker. */
  readonly connector: ConnectorCalls;
  readonly #lease: Lease<WorkerJobs>;
  readonly #stop: () => void;

  constructor(
    readonly spec: ClientSpec,
    private readonly threads: Threads,
    private readonly signal: AbortSignal,
    /** What the connection reports besides its replies. */
    private readonly reports: ConnectionReports,
  ) {
    signal.throwIfAborted();
    const { endpoint, permissions, codes } = spec;
    this.#lease = threads.lease({ permissions, external: codes.length > 0 });
    this.#lease.thread.onWarning = reports.warn;
    this.#lease.thread.onStatement = reports.trace;
    this.connector = Object.fromEntries(
      CONNECTOR_METHODS.map((method) => [
        method,
        (...args: unknown[]) => this.call(method, args as never),
      ]),
    ) as unknown as ConnectorCalls;
    // A worker begins its jobs in their order: a failure is the answer of the first call as well.
    if (codes.length > 0) this.call("restrictImports", codes).catch(() => {});
    this.call("open", endpoint).catch(() => {});
    this.#stop = () => {
      const forever = new AbortController().signal;
      this.#lease.thread.call("stop", fromError(signal.reason), { signal: forever }).catch(
        () => {},
      );
    };
    signal.addEventListener("abort", this.#stop);
  }

  /** The same connection in another worker. */
  again(signal = this.signal): ConnectionClient {
    return new ConnectionClient(this.spec, this.threads, signal, this.reports);
  }

  /** Does a job in the worker. */
  call<K extends keyof WorkerJobs>(
    job: K,
    input: JobInput<WorkerJobs[K]>,
    onProgress?: (progress: JobProgress<WorkerJobs[K]>) => void,
    signal = this.signal,
  ): Promise<JobResult<WorkerJobs[K]>> {
    const options = onProgress === undefined ? { signal } : { signal, onProgress };
    return this.#lease.thread.call(job, input, options);
  }

  /** Loads a stage. */
  load(
    input: LoadInput,
    onRows: (rows: number) => void,
    onCommit: OnCommit,
    letters: LetterBox,
  ): Promise<LoadReceipt> {
    return this.call("load", input, (progress) => {
      if ("rows" in progress) onRows(progress.rows);
      else if ("letters" in progress) letters.append(progress.letters);
      else if ("sealed" in progress) this.#reply(letters.seal());
      else this.#reply(onCommit(progress.committing));
    });
  }

  /** Commits a shared load; `onCommit` as for {@linkcode load}. */
  finish(input: FinishInput, onCommit: OnCommit): Promise<LoadReceipt> {
    return this.call("finish", input, (progress) => this.#reply(onCommit(progress.committing)));
  }

  /** Excludes the time in which the worker waits for the host, until the result is disposed of. */
  hold(): Disposable | undefined {
    return this.#lease.thread.hold();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    using _lease = this.#lease;
    this.signal.removeEventListener("abort", this.#stop);
    if (this.#lease.thread.lost) return;
    // An aborted worker closes its connection, too.
    const { signal } = this;
    await this.#lease.thread.call("close", undefined, { signal, cleansUp: true });
    this.#lease.thread.onWarning = this.#lease.thread.onStatement = undefined;
  }

  /** Tells the worker, which waits for it, that something is stored, or why it is not. */
  #reply(stored: Promise<void>): void {
    const reply = (input: { failed?: Thrown }) =>
      // The worker may have ended.
      this.call("remembered", input).catch(() => {});
    stored.then(() => reply({}), (error) => reply({ failed: fromError(error) }));
  }
}
