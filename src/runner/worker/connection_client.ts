/** The ends of a pipeline, seen from the host: connections in threads that may reach nothing else. */
import type {
  Access,
  DiscoveredStream,
  Estimate,
  ServerInfo,
} from "../../core/contracts/connector.ts";
import type { Part } from "../../core/contracts/extractor.ts";
import type {
  CommitRecord,
  LoadOutcome,
  LoadPlan,
  LoadReceipt,
  LoadTicket,
} from "../../core/contracts/loader.ts";
import { fromTransferable } from "../../core/values/transferable_value.ts";
import type { Value } from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import type { StreamRef, StreamSource, StreamTarget } from "../../models/source.ts";
import type { LoadMode } from "../../models/stream.ts";
import { fromError, type Thrown } from "../../sandbox/messages.ts";
import type { ExternalCode } from "../../sandbox/modules/mod.ts";
import type { Lease, ThreadPool } from "../../sandbox/pool.ts";
import { type ExtractSpec, toTransferableSpec } from "./extract_spec.ts";
import type {
  CommitNews,
  ExtractInput,
  ExtractNews,
  ExtractResult,
  FeedInput,
  FinishInput,
  HeadInput,
  LoadInput,
  LoadNews,
  MaxWatermarkInput,
  OutcomeInput,
  PartitionInput,
  PlainEndpoint,
  PlanInput,
  ShareInput,
  ShareNews,
  SourceWatermarkInput,
} from "./inside/protocol.ts";
import type { EndJobs } from "./inside/jobs.ts";

import type { Transformed } from "./inside/transforms.ts";

export type Threads = ThreadPool<EndJobs>;

/** What an end is, and what its thread may do. */
export interface EndSpec {
  readonly endpoint: PlainEndpoint;
  readonly permissions: Deno.PermissionOptions;
  /** Code of others that runs in it. */
  readonly codes: readonly ExternalCode[];
}

/** Keeps what a load is about to commit. */
export type OnCommit = (record: CommitRecord) => Promise<void>;

/** An input whose reading is not plain data yet. */
type Read<Input> = Omit<Input, "reading"> & { readonly reading: ExtractSpec };

function plain<Input extends { readonly reading: ExtractSpec }>({ reading, ...input }: Input) {
  return { ...input, reading: toTransferableSpec(reading) };
}

/** A connection in a thread of its own. It connects when something is first asked of it. */
export class ConnectionClient implements AsyncDisposable {
  readonly #lease: Lease<EndJobs>;
  readonly #stop: () => void;

  constructor(
    readonly spec: EndSpec,
    private readonly threads: Threads,
    private readonly signal: AbortSignal,
    /** Receives what its connection warns of. */
    private readonly warn: (message: string) => void,
  ) {
    signal.throwIfAborted();
    const { endpoint, permissions, codes } = spec;
    this.#lease = threads.lease({ permissions, external: codes.length > 0 });
    this.#lease.thread.onWarning = warn;
    // What they answer is the answer of the first call: a thread begins its jobs in their order.
    if (codes.length > 0) this.#call("restrictImports", codes).catch(() => {});
    this.#call("open", endpoint).catch(() => {});
    this.#stop = () => {
      const forever = new AbortController().signal;
      this.#lease.thread.call("stop", fromError(signal.reason), { signal: forever }).catch(
        () => {},
      );
    };
    signal.addEventListener("abort", this.#stop);
  }

  /** The same end in another thread. */
  again(signal = this.signal): ConnectionClient {
    return new ConnectionClient(this.spec, this.threads, signal, this.warn);
  }

  /** Connects, where nothing was asked before. */
  connected(): Promise<void> {
    return this.#call("connect", undefined);
  }

  testConnection(): Promise<ServerInfo> {
    return this.#call("testConnection", undefined);
  }

  getStreamFields(ref: StreamRef): Promise<Field[] | undefined> {
    return this.#call("getStreamFields", ref);
  }

  discover(): Promise<DiscoveredStream[]> {
    return this.#call("discover", undefined);
  }

  estimate(source: StreamSource): Promise<Estimate> {
    return this.#call("estimate", source);
  }

  checkRead(source: StreamSource): Promise<Access> {
    return this.#call("checkRead", source);
  }

  checkWrite(target: StreamTarget, mode: LoadMode): Promise<Access> {
    return this.#call("checkWrite", { target, mode });
  }

  /** Parts of one moment, which lasts until the end is disposed of. */
  partition(
    input: Read<PartitionInput>,
  ): Promise<{ readonly parts: readonly Part[]; readonly guessed?: boolean }> {
    return this.#call("partition", plain(input));
  }

  /** Extracts into files, whose names, rows and checksums are returned. */
  extract(
    input: Read<ExtractInput>,
    onNews: (news: ExtractNews) => void,
    signal = this.signal,
  ): Promise<ExtractResult> {
    return this.#call("extract", plain(input), onNews, signal);
  }

  /** Answers a batch that `extract` told to be transformed. */
  transformed(answer: Transformed): Promise<void> {
    return this.#call("transformed", answer);
  }

  /** As many rows as the reading's limit, as values in the order of its fields. */
  async head(input: Read<HeadInput>): Promise<Value[][]> {
    const rows = await this.#call("head", plain(input));
    return rows.map((row) => row.map(fromTransferable));
  }

  plan(load: PlanInput): Promise<LoadPlan> {
    return this.#call("plan", load);
  }

  async getMaxWatermark(
    input: MaxWatermarkInput,
  ): Promise<Exclude<Value, null> | undefined> {
    const max = await this.#call("maxWatermark", input);
    return max === undefined ? undefined : fromTransferable(max) as Exclude<Value, null>;
  }

  /** Highest watermark of the source, where it is known without reading all of it. */
  async getSourceWatermark(
    input: SourceWatermarkInput,
  ): Promise<Exclude<Value, null> | undefined> {
    const max = await this.#call("sourceWatermark", input);
    return max === undefined ? undefined : fromTransferable(max) as Exclude<Value, null>;
  }

  /** What became of a load of an earlier run. */
  getOutcome(input: OutcomeInput): Promise<LoadOutcome> {
    return this.#call("outcome", input);
  }

  /** The load commits when `onCommit` has kept what it is about to commit. */
  load(
    input: LoadInput,
    onRows: (rows: number) => void,
    onCommit: OnCommit,
  ): Promise<LoadReceipt> {
    return this.#call("load", input, (news: LoadNews) => {
      if ("rows" in news) onRows(news.rows);
      else this.#remember(news, onCommit);
    });
  }

  /** Tells a load, or the share of one, what more there is to read. */
  feed(news: FeedInput): Promise<void> {
    return this.#call("feed", news);
  }

  /** Undefined where only `load` keeps what the target has. Undone when the end is disposed of. */
  share(input: LoadInput): Promise<LoadTicket | undefined> {
    return this.#call("share", input);
  }

  loadShare(
    input: ShareInput,
    onNews: (news: ShareNews) => void,
    signal = this.signal,
  ): Promise<number> {
    return this.#call("loadShare", input, onNews, signal);
  }

  /** As {@linkcode load}, of what was shared. */
  finish(input: FinishInput, onCommit: OnCommit): Promise<LoadReceipt> {
    return this.#call("finish", input, (news: CommitNews) => this.#remember(news, onCommit));
  }

  /** Its thread waits for the host until what is returned is disposed of. */
  hold(): Disposable | undefined {
    return this.#lease.thread.hold();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    using _lease = this.#lease;
    this.signal.removeEventListener("abort", this.#stop);
    if (this.#lease.thread.lost) return;
    // What was stopped is to be closed all the same.
    const { signal } = this;
    await this.#lease.thread.call("close", undefined, { signal, cleansUp: true });
    this.#lease.thread.onWarning = undefined;
  }

  #remember({ committing }: CommitNews, onCommit: OnCommit): void {
    const answer = (input: { failed?: Thrown }) =>
      // A worker that is gone waits for nothing.
      this.#call("remembered", input).catch(() => {});
    onCommit(committing).then(() => answer({}), (error) => answer({ failed: fromError(error) }));
  }

  #call<K extends keyof EndJobs>(
    job: K,
    input: Parameters<EndJobs[K]>[0],
    onNews?: (news: never) => void,
    signal = this.signal,
  ): ReturnType<EndJobs[K]> {
    const options = onNews === undefined ? { signal } : { signal, onNews };
    return this.#lease.thread.call(job, input as never, options as never) as ReturnType<EndJobs[K]>;
  }
}
