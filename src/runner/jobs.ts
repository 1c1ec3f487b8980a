/**
 * What a thread does at one end of a pipeline. It holds the connection of that end; between host and
 * thread go small messages only: names, files, rows, proofs.
 */
import { byteLength } from "../arrow/mod.ts";
import { openSlice, stagePart } from "../buffers/mod.ts";
import type {
  StagedData,
  StageDetails,
  StagedFile,
  StageSlice,
  WrittenPart,
} from "../core/buffer.ts";
import type { Batch } from "../core/batch.ts";
import type { Connector } from "../core/connector.ts";
import type { Permissions } from "../core/provider.ts";
import { DXTError, ValidationError, ValueError } from "../core/errors.ts";
import type {
  Extractor,
  FileExtractor,
  Part,
  Partition,
  PartitionSettings,
  RecordExtractor,
} from "../core/extractor.ts";
import type { Loader, LoadReceipt, LoadTicket, PlannedLoad, SharedLoad } from "../core/loader.ts";
import { type PlainValue, toPlainValue } from "../core/plain_value.ts";
import type { BufferSettings } from "../models/buffer.ts";
import type { Field } from "../models/field.ts";
import type { StreamRef, StreamSource, StreamTarget } from "../models/source.ts";
import type { LoadMode } from "../models/stream.ts";
import { parseTyped } from "../config/validate.ts";
import { firstIssue } from "../providers/options.ts";
import {
  type Checked,
  checkOptions,
  extractorInfo,
  infoOf,
  loaderInfo,
  needsOf,
} from "../providers/view.ts";
import { released } from "../sandbox/garbage.ts";
import { rethrown, type Thrown } from "../sandbox/messages.ts";
import { breathe, type Jobs } from "../sandbox/serve.ts";
import { connect, type Connectable } from "./connect.ts";
import {
  fromPlain,
  type PlainReading,
  read,
  type Reading,
  requestOf,
  stagedFields,
} from "./extraction.ts";
import { Feed, growing } from "./feed.ts";
import { firstRows } from "./rows.ts";
import type { Seen } from "./observe.ts";
import {
  confine,
  externalExtractor,
  externalLoader,
  externalTransform,
  providerOf,
} from "./foreign.ts";
import { FarTransform, openTransforms, transform, type Transformed } from "./transforms.ts";

/** A connection. */
export interface PlainEndpoint {
  /** Name of a built-in provider, or URL of an external one. */
  readonly module: string;
  readonly config: unknown;
  readonly baseDirectory: string;
}

/** A class with its options checked. */
export interface PlainClass {
  /** URL of the external module that exports it; unset, the connection's provider has it. */
  readonly module?: string;
  readonly name: string;
  /** Undefined: as its schema has them when nothing is said. */
  readonly options: unknown;
}

export type ClassKind = "extractor" | "loader" | "transform";

export interface ConnectionInput {
  readonly module: string;
  readonly url?: string;
  /** They win over those of the URL. */
  readonly keys: Readonly<Record<string, unknown>>;
  /** Paths of keys whose text comes from a variable. */
  readonly variables: readonly (readonly (string | number)[])[];
}

export interface ClassInput {
  readonly module: string;
  readonly kind: ClassKind;
  readonly name: string;
  readonly config: unknown;
}

export interface PartitionInput {
  readonly extractor: PlainClass;
  readonly reading: PlainReading;
  readonly settings: PartitionSettings;
}

export interface ExtractInput {
  readonly extractor: PlainClass;
  readonly reading: PlainReading;
  /** One of several parts, read over a connection of its own; unset, everything. */
  readonly part?: { readonly part: Part; readonly number: number };
  /** Folder for the files. */
  readonly folder: string;
  readonly buffer: BufferSettings;
}

/** What was done since the last news. */
export type ExtractNews =
  | { readonly rows: number; readonly bytes: number }
  | { readonly file: StagedFile }
  /** A batch to be transformed: `transformed` has the answer. */
  | { readonly transform: { readonly id: number; readonly bytes: Uint8Array } };

export interface ExtractResult extends WrittenPart {
  /** Highest watermark, and how many had none. */
  readonly max: PlainValue;
  readonly nulls: number;
}

export interface HeadInput {
  readonly extractor: PlainClass;
  readonly reading: PlainReading;
}

export type PlanInput = Omit<PlannedLoad, "signal"> & { readonly loader: PlainClass };

export type LoadInput = Omit<PlannedLoad, "staged" | "signal"> & {
  readonly loader: PlainClass;
  /** What is staged; a stage that is still written is told by `feed`. */
  readonly staged: StageSlice | Pick<StagedData, "kind" | "fields" | "details">;
};

export interface ShareInput extends LoadInput {
  readonly slice: StageSlice;
  readonly ticket: LoadTicket;
}

export interface MaxWatermarkInput {
  readonly loader: PlainClass;
  readonly target: StreamTarget;
  readonly field: string;
  readonly as: Field;
}

export interface FinishInput {
  /** What the shares took together. */
  readonly rows: number;
  /** All of the stage. */
  readonly committed: StageSlice;
}

interface Rows {
  readonly rows: number;
}

/** The end that this thread is at. */
class OpenEnd implements AsyncDisposable {
  partition?: Partition;
  shared?: SharedLoad;
  feed?: Feed;
  transform?: FarTransform;
  readonly #stop = new AbortController();
  #connection: Promise<Connector> | undefined;

  constructor(readonly endpoint: Connectable) {}

  /** Connected when it is first asked for; who cannot be reached is tried once. */
  get connector(): Promise<Connector> {
    return this.#connection ??= connect(this.endpoint, this.#stop.signal);
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

let end: Promise<OpenEnd> | undefined;

function opened(): Promise<OpenEnd> {
  return end ?? Promise.reject(new DXTError("Cannot do this: no connection is open"));
}

async function openEnd({ module, config, baseDirectory }: PlainEndpoint): Promise<OpenEnd> {
  return new OpenEnd({ provider: await providerOf(module), config, baseDirectory });
}

export const JOBS = {
  confine,
  describe: async (module: string) => infoOf(await providerOf(module)),
  async checkConnection(
    { module, url, keys, variables }: ConnectionInput,
  ): Promise<Checked> {
    const provider = await providerOf(module);
    const fromURL = url === undefined ? {} : provider.fromURL(url) as object;
    const known = new Set(variables.map((path) => JSON.stringify(path)));
    const isVariable = (path: readonly unknown[]) => known.has(JSON.stringify(path));
    const parsed = parseTyped(provider.config, { ...fromURL, ...keys }, isVariable);
    return parsed.success
      ? { value: parsed.data }
      : { issue: firstIssue(provider.config, parsed.error) };
  },
  async needs(
    { module, config, baseDirectory }: PlainEndpoint,
  ): Promise<Permissions> {
    const usage = { baseDirectory, reads: [], writes: [] };
    return needsOf(await providerOf(module), config, usage);
  },
  async checkClass({ module, kind, name, config }: ClassInput) {
    if (kind === "extractor") {
      const found = await externalExtractor(module, name);
      return { info: extractorInfo(found), options: checkOptions(found.options, config) };
    }
    if (kind === "transform") {
      const { options } = await externalTransform(module, name);
      return { info: {}, options: checkOptions(options, config) };
    }
    const found = await externalLoader(module, name);
    return { info: loaderInfo(found), options: checkOptions(found.options, config) };
  },
  openTransforms,
  transform,
  /** What became of a batch that `extract` told as news. */
  async transformed(answer: Transformed): Promise<void> {
    (await opened()).transform?.receive(answer);
  },
  async open(endpoint: PlainEndpoint): Promise<void> {
    await (end = openEnd(endpoint));
  },
  /** The run was stopped: what waits for the other system waits no longer. */
  async stop(reason: Thrown): Promise<void> {
    (await end)?.stop(rethrown(reason));
  },
  async close(_: undefined): Promise<void> {
    const closing = end;
    end = undefined;
    await using _end = await closing?.catch(() => undefined);
  },
  connect: (_: undefined) => connected(() => Promise.resolve()),
  testConnection: (_: undefined) => connected((c) => c.testConnection()),
  getStreamFields: (ref: StreamRef) => connected((c) => c.getStreamFields(ref)),
  discover: (_: undefined) => connected((c) => c.discover()),
  estimate: (source: StreamSource) => connected((c) => c.estimate(source)),
  checkRead: (source: StreamSource) => connected((c) => c.checkRead(source)),
  checkWrite: ({ target, mode }: { target: StreamTarget; mode: LoadMode }) =>
    connected((c) => c.checkWrite(target, mode)),
  partition,
  extract,
  head,
  async plan({ loader, ...load }: PlanInput, _tell: Tell, signal: AbortSignal) {
    return await (await loaderOf(await opened(), loader)).plan({ ...load, signal });
  },
  async maxWatermark(
    { loader, target, field, as }: MaxWatermarkInput,
  ): Promise<PlainValue | undefined> {
    const max = await (await loaderOf(await opened(), loader)).getMaxWatermark(target, field, as);
    return max === undefined ? undefined : toPlainValue(max);
  },
  load,
  /** More of a stage that is still written; its committed rest; or that it will not be committed. */
  async feed(
    news: { slice: StageSlice } | { committed: StageSlice } | { failed: Thrown },
  ): Promise<void> {
    const { feed } = await opened();
    if ("slice" in news) feed?.push(news.slice);
    else if ("committed" in news) feed?.end(await openSlice(news.committed));
    else feed?.fail(rethrown(news.failed));
  },
  async share(
    { loader, staged, ...input }: LoadInput,
    _tell: Tell,
    signal: AbortSignal,
  ): Promise<LoadTicket | undefined> {
    const here = await opened();
    const task = { ...input, staged: await stagedOf(staged, here), signal };
    const shared = await (await loaderOf(here, loader)).share(task);
    if (shared !== undefined) here.shared = shared;
    return shared?.ticket;
  },
  loadShare,
  /** Makes all that was shared the target's. */
  async finish({ rows, committed }: FinishInput): Promise<LoadReceipt> {
    const here = await opened();
    const { shared, feed } = here;
    feed?.end(await openSlice(committed));
    if (shared === undefined) throw new DXTError("Cannot end a load: none is shared");
    const receipt = await shared.finish(rows);
    // What was finished is not to be undone when the end is closed.
    delete here.shared;
    return receipt;
  },
} satisfies Jobs;

export type EndJobs = typeof JOBS;

type Tell = (news: never) => void;

async function connected<T>(work: (connector: Connector) => Promise<T>): Promise<T> {
  return await work(await (await opened()).connector);
}

/** Over the end's connection, or another one. */
async function extractorOf(here: OpenEnd, chosen: PlainClass, own?: Connector): Promise<Extractor> {
  const found = chosen.module === undefined
    ? here.endpoint.provider.extractors[chosen.name]!
    : await externalExtractor(chosen.module, chosen.name);
  return found.create(own ?? await here.connector, chosen.options ?? found.options.parse({}));
}

async function loaderOf(here: OpenEnd, chosen: PlainClass, own?: Connector): Promise<Loader> {
  const found = chosen.module === undefined
    ? here.endpoint.provider.loaders[chosen.name]!
    : await externalLoader(chosen.module, chosen.name);
  return found.create(own ?? await here.connector, chosen.options);
}

/** The partition stays open, and with it the moment that its parts are read of, until `close`. */
async function partition(
  { extractor: chosen, reading, settings }: PartitionInput,
  _tell: Tell,
  signal: AbortSignal,
): Promise<Pick<Partition, "parts" | "guessed">> {
  const here = await opened();
  const extractor = await extractorOf(here, chosen) as RecordExtractor;
  here.partition = await extractor.partition(requestOf(fromPlain(reading), signal), settings);
  const { parts, guessed } = here.partition;
  return guessed === undefined ? { parts } : { parts, guessed };
}

/** Extracts everything, or one part, into files of its own. */
async function extract(
  { extractor: chosen, reading: plain, part, folder, buffer }: ExtractInput,
  tell: (news: ExtractNews) => void,
  signal: AbortSignal,
): Promise<ExtractResult> {
  const here = await opened();
  await using own = part && await connect(here.endpoint, signal);
  const extractor = await extractorOf(here, chosen, own);
  const reading = { ...fromPlain(plain), ...(part === undefined ? {} : { part: part.part }) };
  const place = {
    folder,
    ...(part === undefined ? {} : { part: part.number }),
    fields: stagedFields(reading),
    onFile: (file: StagedFile) => tell({ file }),
  };
  if (extractor.yields === "files") {
    const files = (extractor as FileExtractor).extract(requestOf(reading, signal));
    return { ...await stagePart(buffer, place, files), max: null, nulls: 0 };
  }
  const seen: Seen = { rows: 0, bytes: 0, max: null, nulls: 0 };
  let [rowsTold, bytesTold] = [0, 0];
  const onProgress = (rows: number, bytes: number) => {
    released(bytes - bytesTold);
    tell({ rows: rows - rowsTold, bytes: bytes - bytesTold });
    [rowsTold, bytesTold] = [rows, bytes];
  };
  try {
    const watch = { signal, onProgress, ...transformOf(here, reading, tell) };
    const batches = read(extractor, reading, watch, seen);
    const written = await stagePart(buffer, place, batches);
    return { ...written, max: toPlainValue(seen.max), nulls: seen.nulls };
  } catch (error) {
    throw part === undefined || part.number === 0 ? error : ofPart(error, part.number);
  }
}

function transformOf(
  here: OpenEnd,
  { projections, transformed }: Reading,
  tell: (news: ExtractNews) => void,
): { readonly transform?: FarTransform } {
  if (transformed === undefined) return {};
  const before = projections.map(({ field }) => field);
  const transform = new FarTransform(before, transformed, (batch) => tell({ transform: batch }));
  here.transform = transform;
  return { transform };
}

/** A row's number means something in the first part alone: the others do not know what was before. */
function ofPart(error: unknown, number: number): unknown {
  if (!(error instanceof ValueError)) return error;
  return new ValidationError(`${error.message} (row of part ${number + 1})`, { cause: error });
}

async function head(
  { extractor: chosen, reading: plain }: HeadInput,
  _tell: Tell,
  signal: AbortSignal,
): Promise<PlainValue[][]> {
  const here = await opened();
  const reading = fromPlain(plain);
  const extractor = await extractorOf(here, chosen) as RecordExtractor;
  const fields = stagedFields(reading);
  const rows = await firstRows(
    extractor.extract(requestOf(reading, signal)),
    fields,
    reading.limit!,
  );
  return rows.map((row) => row.map(toPlainValue));
}

function stagedOf(staged: LoadInput["staged"], here: OpenEnd): Promise<StagedData> {
  if (!("kind" in staged)) return openSlice(staged);
  here.feed = new Feed();
  const { fields, details } = staged as { fields: Field[]; details: StageDetails };
  return Promise.resolve(growing(here.feed, fields, details));
}

/** Loads all of a stage, or what `feed` tells until it is committed. */
async function load(
  { loader, staged, ...input }: LoadInput,
  tell: (news: Rows) => void,
  signal: AbortSignal,
): Promise<LoadReceipt> {
  const here = await opened();
  const task = { ...input, staged: told(await stagedOf(staged, here), signal, tell), signal };
  return await (await loaderOf(here, loader)).load(task);
}

/** Loads some files into a shared load, over a connection of its own. */
async function loadShare(
  { loader: chosen, slice, ticket, ...input }: ShareInput,
  tell: (news: Rows) => void,
  signal: AbortSignal,
): Promise<number> {
  const here = await opened();
  await using connector = await connect(here.endpoint, signal);
  const staged = told(await openSlice(slice), signal, tell);
  const loader = await loaderOf(here, chosen, connector);
  return await loader.loadShare({ ...input, staged, signal }, ticket);
}

/** The staged data, telling how far the loader has read. */
function told(
  staged: StagedData,
  signal: AbortSignal,
  tell: (news: Rows) => void,
): StagedData {
  // Of a stage that is still written not everything is known yet: it stays with the stage.
  return Object.create(staged, {
    readBatches: {
      value: async function* (): AsyncGenerator<Batch, void, void> {
        for await (const batch of staged.readBatches()) {
          await breathe();
          signal.throwIfAborted();
          yield batch;
          released(byteLength(batch));
          tell({ rows: batch.numRows });
        }
      },
    },
  });
}
