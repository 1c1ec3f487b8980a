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
import { ConnectionKeeper, type KeptConnection } from "./kept_connection.ts";
import { externalExtractor, externalLoader, importProvider } from "./external_classes.ts";
import type { CommitProgress, PlainClass, PlainEndpoint } from "./protocol.ts";
import type { FarTransform } from "./transforms.ts";

/** The source or the target that this worker serves. */
export class WorkerSession {
  partition?: Partition;
  /** The parallel load that this worker began. */
  parallel?: SharedLoad;
  /** Queues of the files that its loads read, by the number of the share; undefined for a whole load. */
  readonly queues = new Map<number | undefined, StagedFileQueue<StageSlice>>();
  /** Sends the commit record of the running load to the host. */
  reportCommit?: (progress: CommitProgress) => void;
  /** Called when the host has stored a commit record, or failed to. */
  onRemembered?: (failed: Error | undefined) => void;
  transform?: FarTransform;
  readonly #stop: AbortController;
  #connection: Promise<Connector> | undefined;

  /** @param kept the connection of an earlier session, which this one goes on with */
  constructor(readonly endpoint: Connectable, kept?: KeptConnection) {
    this.#stop = kept?.stop ?? new AbortController();
    if (kept !== undefined) this.#connection = Promise.resolve(kept.connector);
  }

  /** Connects on first use; a failed attempt is not retried. */
  get connector(): Promise<Connector> {
    return this.#connection ??= connect(this.endpoint, this.#stop.signal);
  }

  async endPartition(): Promise<void> {
    const { partition } = this;
    delete this.partition;
    await partition?.[Symbol.asyncDispose]();
  }

  /** Aborted when the run is stopped. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  stop(reason: Error): void {
    this.#stop.abort(reason);
  }

  /** Ends the session. Its connection is closed, unless `keeper` keeps it. */
  async end(keeper: ConnectionKeeper): Promise<void> {
    const connector = await this.#connection?.catch(() => undefined);
    if (connector === undefined) return;
    let isWhole = false;
    try {
      await using _partition = this.partition;
      await this.parallel?.abort();
      isWhole = !this.signal.aborted;
    } finally {
      if (isWhole) await keeper.keep(this.endpoint, { connector, stop: this.#stop });
      else await connector[Symbol.asyncDispose]();
    }
  }
}

const keeper = new ConnectionKeeper();

let session: Promise<WorkerSession> | undefined;

export function currentSession(): Promise<WorkerSession> {
  return session ?? Promise.reject(new DXTError("Cannot use the connection: none is open"));
}

async function createSession({ module, ...endpoint }: PlainEndpoint): Promise<WorkerSession> {
  const connectable = { provider: await importProvider(module), ...endpoint };
  return new WorkerSession(connectable, await keeper.take(connectable));
}

export async function open(endpoint: PlainEndpoint): Promise<void> {
  await (session = createSession(endpoint));
}

/** Aborts all waits for the other system, since the run was stopped. */
export async function stop(reason: Thrown): Promise<void> {
  (await session)?.stop(toError(reason));
}

export async function close(_: undefined): Promise<void> {
  const closing = session;
  session = undefined;
  const ending = await closing?.catch(() => undefined);
  await ending?.end(keeper);
}

export async function withConnector<T>(work: (connector: Connector) => Promise<T>): Promise<T> {
  return await work(await (await currentSession()).connector);
}

/** What a class creates with: the session's connection, or `own`, and its options. */
export async function makeArguments(
  session: WorkerSession,
  { options: schema }: Pick<ExtractorClass, "options">,
  { options }: PlainClass,
  own?: Connector,
): Promise<[Connector, unknown]> {
  return [own ?? await session.connector, options ?? schema.parse({})];
}

/** The extractor class that the host names, of the connection's provider or an external module. */
export async function findExtractorClass(
  session: WorkerSession,
  { module, name }: PlainClass,
): Promise<ExtractorClass> {
  return module === undefined
    ? session.endpoint.provider.extractors[name]!
    : await externalExtractor(module, name);
}

/** As {@linkcode findExtractorClass}, for a loader. */
export async function findLoaderClass(
  session: WorkerSession,
  { module, name }: PlainClass,
): Promise<LoaderClass> {
  return module === undefined
    ? session.endpoint.provider.loaders[name]!
    : await externalLoader(module, name);
}
