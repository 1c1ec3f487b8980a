/** The session of a worker: the connection that it holds, and what runs over it. */
import type { StageSlice } from "../../../core/contracts/buffer.ts";
import type { Connector } from "../../../core/contracts/connector.ts";
import { DXTError } from "../../../core/errors.ts";
import type { Partition } from "../../../core/contracts/extractor.ts";
import type { SharedLoad } from "../../../core/contracts/loader.ts";
import type { ExtractorClass, LoaderClass } from "../../../core/contracts/provider.ts";
import { type Thrown, toError } from "../../../sandbox/messages.ts";
import type { StagedFileQueue } from "../staged_file_queue.ts";
import { connect, type Connectable } from "./connect.ts";
import { externalExtractor, externalLoader, providerOf } from "./external_classes.ts";
import type { CommitNews, PlainClass, PlainEndpoint } from "./protocol.ts";
import type { FarTransform } from "./transforms.ts";

/** The source or the target that this worker serves. */
export class WorkerSession implements AsyncDisposable {
  partition?: Partition;
  shared?: SharedLoad;
  /** The files that its loads read, by the number of the share; undefined for a load as a whole. */
  readonly feeds = new Map<number | undefined, StagedFileQueue<StageSlice>>();
  /** Tells the host what the load that runs is about to commit. */
  tellCommit?: (news: CommitNews) => void;
  /** Ends the wait of a load for what the host keeps of it. */
  onRemembered?: (failed: Error | undefined) => void;
  transform?: FarTransform;
  readonly #stop = new AbortController();
  #connection: Promise<Connector> | undefined;

  constructor(readonly endpoint: Connectable) {}

  /** Connects on first use; a failed attempt is not retried. */
  get connector(): Promise<Connector> {
    return this.#connection ??= connect(this.endpoint, this.#stop.signal);
  }

  async endPartition(): Promise<void> {
    const ending = this.partition;
    delete this.partition;
    await ending?.[Symbol.asyncDispose]();
  }

  /** Aborted when the run is stopped. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  stop(reason: Error): void {
    this.#stop.abort(reason);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _connector = await this.#connection?.catch(() => undefined);
    await using _partition = this.partition;
    await this.shared?.abort();
  }
}

let end: Promise<WorkerSession> | undefined;

export function openSession(): Promise<WorkerSession> {
  return end ?? Promise.reject(new DXTError("Cannot do this: no connection is open"));
}

async function openEnd({ module, ...endpoint }: PlainEndpoint): Promise<WorkerSession> {
  return new WorkerSession({ provider: await providerOf(module), ...endpoint });
}

export async function open(endpoint: PlainEndpoint): Promise<void> {
  await (end = openEnd(endpoint));
}

/** Aborts what waits for the other system: the run was stopped. */
export async function stop(reason: Thrown): Promise<void> {
  (await end)?.stop(toError(reason));
}

export async function close(_: undefined): Promise<void> {
  const closing = end;
  end = undefined;
  await using _end = await closing?.catch(() => undefined);
}

export async function withConnector<T>(work: (connector: Connector) => Promise<T>): Promise<T> {
  return await work(await (await openSession()).connector);
}

/** What a class creates with: the session's connection, or `own`, and its options. */
export async function argumentsOf(
  here: WorkerSession,
  { options: schema }: Pick<ExtractorClass, "options">,
  { options }: PlainClass,
  own?: Connector,
): Promise<[Connector, unknown]> {
  return [own ?? await here.connector, options ?? schema.parse({})];
}

/** The extractor class that the host names, of the connection's provider or an external module. */
export async function extractorClassOf(
  here: WorkerSession,
  { module, name }: PlainClass,
): Promise<ExtractorClass> {
  return module === undefined
    ? here.endpoint.provider.extractors[name]!
    : await externalExtractor(module, name);
}

/** As {@linkcode extractorClassOf}, for a loader. */
export async function loaderClassOf(
  here: WorkerSession,
  { module, name }: PlainClass,
): Promise<LoaderClass> {
  return module === undefined
    ? here.endpoint.provider.loaders[name]!
    : await externalLoader(module, name);
}
