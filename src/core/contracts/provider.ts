/**
 * What dxt knows of one system. The main thread plans with a provider's plain data and connects to
 * nothing; a worker calls `connect` and creates extractors and loaders. Of an external provider all of it
 * happens in workers.
 */
import type { z } from "zod";
import type { Category, StreamSource, StreamTarget } from "../../models/source.ts";
import type { GuaranteedModes } from "../../models/guarantee.ts";
import type { LoadMode } from "../../models/stream.ts";
import type { StagedData } from "./buffer.ts";
import type { Connector } from "./connector.ts";
import type { FileExtractor, Projection, RecordExtractor } from "./extractor.ts";
import type {
  CommitRecord,
  Leftover,
  LeftoverRequest,
  Loader,
  LoadOutcome,
  OWN_ROWS,
  ParallelLoad,
} from "./loader.ts";
import type { Value } from "../values/values.ts";

/** What a connection needs of the runtime, as values of Deno's permission flags. */
export interface Permissions {
  /** `host:port` */
  readonly net: readonly string[];
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly env: readonly string[];
  /** Native libraries, by absolute path. Untrusted code never gets any. */
  readonly ffi: readonly string[];
  /** Facts of the system by Deno's names, such as `hostname`. Untrusted code never gets any. */
  readonly sys: readonly string[];
}

/** The URLs that mean a provider. */
export interface ConnectionURLs {
  /** Schemes, without the colon; each belongs to one provider. */
  readonly schemes: readonly string[];
  /**
   * A connection's keys from a URL of one of the schemes. The host calls it while it plans; for an
   * external provider, a worker without permissions does.
   *
   * @param baseDirectory folder that a relative path in the URL starts from
   * @throws {ConfigurationError} for a URL that means no connection
   */
  parse(url: string, baseDirectory: string): unknown;
}

/** How a connection is used, as far as it is known before connecting. */
export interface Usage {
  /** Folder that the connection's relative paths start from. */
  readonly baseDirectory: string;
  readonly reads: readonly StreamSource[];
  /** A written target is also read: its fields and its highest watermark. */
  readonly writes: readonly StreamTarget[];
  /** Whether the connection lists all datasets. */
  readonly explores?: boolean;
}

export type ExtractorClass<C extends Connector = Connector> =
  | ExtractorClassOf<"records", RecordExtractor, C>
  | ExtractorClassOf<"files", FileExtractor, C>;

interface ExtractorClassOf<Yields, Extractor, C extends Connector> {
  readonly description: string;
  /** What its extractors yield; known before connecting, so that a buffer can be chosen. */
  readonly yields: Yields;
  /**
   * A capability: `partition` splits a source by an integer field. Where it is unset, a pipeline that
   * names one in `extract.partition` is refused while it is planned.
   */
  readonly splitsByField?: boolean;
  /** Validates `extractor.config`; every key described. */
  readonly options: z.ZodType;
  /** Called in a worker, with options that the schema validated. Code is loaded here, not before. */
  create(connector: C, options: unknown): Extractor | Promise<Extractor>;
  /**
   * A capability: returns the highest watermark of a source, in the order of the field; undefined if there is
   * none, or if finding it costs as much as an extraction. Called when an extraction found nothing new, and
   * while planning, since a target with a higher one hides rows.
   */
  maxWatermark?(connector: C, request: SourceWatermark): Promise<Exclude<Value, null> | undefined>;
}

/** Which field of which source. Plain data. */
export interface SourceWatermark {
  readonly source: StreamSource;
  readonly projection: Projection;
}

export interface LoaderClass<C extends Connector = Connector> {
  readonly description: string;
  /** The load modes that it offers, each with what a load of this mode guarantees; at least one. */
  readonly modes: GuaranteedModes;
  /** Kinds of staged data that it can load. */
  readonly accepts: readonly StagedData["kind"][];
  /** Whether a load may begin while its stage is still written. */
  readonly overlaps: boolean;
  /** What its `getMaxWatermark` understands of a stream's own rows; nothing when unset. */
  readonly ownRows?: readonly (typeof OWN_ROWS)[number][];
  /** Whether the target computes totals of the rows of a load: a large load is verified by them. */
  readonly aggregates?: boolean;
  /** Modes in which it can reject rows that the target refuses, and load the others. */
  readonly rejects?: readonly LoadMode[];
  /** Whether a replacement may be limited to the records that match a condition. */
  readonly replacesWhere?: boolean;
  /** Whether an upsert can delete or mark the records that its source no longer has. */
  readonly deletesMissing?: boolean;
  readonly options: z.ZodType;
  create(connector: C, options: unknown): Loader | Promise<Loader>;
  /** A capability: loads that several connections write; unset, one connection writes each load. */
  createParallel?(connector: C, options: unknown): ParallelLoad | Promise<ParallelLoad>;
  /**
   * A capability: returns the outcome of a load whose run was killed at its commit, by the record that the
   * load left in its journal; unset, the outcome stays unknown. Called before anything else is done with
   * the target, and again while it is `running`.
   */
  getOutcome?(connector: C, target: StreamTarget, record: CommitRecord): Promise<LoadOutcome>;
  /**
   * A capability: lists what killed loads left beside a target; while a load of the target goes on, its lock.
   * Called by `dxt status` and `dxt clean`. Unset where loads leave nothing, or the system removes it.
   */
  listLeftovers?(connector: C, target: StreamTarget): Promise<readonly Leftover[]>;
  /** Set with `listLeftovers`: removes one of them by its name, unless a load of the target goes on. */
  removeLeftover?(connector: C, target: StreamTarget, request: LeftoverRequest): Promise<boolean>;
}

/** What a connection is opened with, valid as long as the connection. */
export interface ConnectContext {
  /** Folder that the connection's relative paths start from. */
  readonly baseDirectory: string;
  readonly signal: AbortSignal;
  /**
   * Whether errors may quote whole records or keys as the system prints them. A value that a type
   * cannot hold is named in any case.
   */
  readonly showValues: boolean;
  /**
   * Reports a fact that the user should know and that stops nothing. Callable at any time, from any
   * method: the runner adds the message to the stream that the connection serves. Equal messages of
   * one stream are reported once, since each part of an extraction has its own connection.
   *
   * @param isWait whether the connection now waits for a lock
   */
  warn(message: string, isWait?: boolean): void;
  /**
   * Set while the log has level debug: called with each statement before it is sent. The runner hides
   * values that a statement contains.
   *
   * @param doubleQuoted a double quote encloses a string of the statement, not a name
   */
  readonly trace?: ((statement: string, doubleQuoted?: boolean) => void) | undefined;
}

/**
 * All that dxt knows of one system: the default export of its folder. The main thread imports it to plan,
 * and never connects: `connect` and `create` load the code that reads and writes.
 */
export interface Provider<Config = unknown, C extends Connector = Connector> {
  readonly name: string;
  readonly category: Category;
  readonly description: string;
  /** Validates a connection without its `provider` key; every key described. */
  readonly config: z.ZodType<Config>;
  /** A capability: connections that are URLs. Unset, a connection's `url` is a key of its config. */
  readonly urls?: ConnectionURLs;
  /** Called in a worker, once for each connection. */
  connect(config: Config, context: ConnectContext): Promise<C>;
  /**
   * Connections that one worker serves; 1 when unset. More pay where a server does about as much for a
   * record as dxt: another worker takes memory, and time to start.
   */
  readonly connectionsPerThread?: number;
  /**
   * Whether a worker may keep a connection open for a second, for the next stream with the same settings: a login
   * may cost a server more than a small stream. Set it only if a used connection behaves as a new one, notices
   * that the server has closed it, and holds no lock.
   */
  readonly keepsConnections?: boolean;
  /** The least that a connection needs for this usage; nothing of a kind that is left out. */
  permissions(config: Config, usage: Usage): Partial<Permissions>;
  /**
   * Where a target lies, as the system tells names apart: the outer names first, folded where it
   * folds them. Two targets of one path are one target, and a path that begins with another's lies
   * in it. Asked while a pipeline is planned, without a connection; by name and type when unset.
   */
  targetPath?(config: Config, target: StreamTarget, baseDirectory: string): readonly string[];
  /** By class name; the first is the default. */
  readonly extractors: Readonly<Record<string, ExtractorClass<C>>>;
  readonly loaders: Readonly<Record<string, LoaderClass<C>>>;
}

/** Types a provider without losing its config's type, to export it. */
export function defineProvider<Config, C extends Connector>(
  provider: Provider<Config, C>,
): Provider<Config, C> {
  return provider;
}
