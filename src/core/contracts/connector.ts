/**
 * The contract of a connection to one system. `Provider.connect` opens it in a worker, which calls its methods
 * for the host, one stream after the other. Each category adds methods.
 */
import type { Field } from "../../models/field.ts";
import type { StreamRef, StreamSource, StreamTarget } from "../../models/source.ts";
import type { LoadMode } from "../../models/stream.ts";
import type { Claim } from "../files/run_lock.ts";
import type { Value } from "../values/values.ts";
import type { Leftover, LeftoverRequest } from "./loader.ts";

export interface ServerInfo {
  /** Name of the product, for example `PostgreSQL`. */
  readonly product: string;
  readonly version: string;
}

/** A dataset that a system offers. */
export interface DiscoveredStream {
  /** Name that works as a stream's string `source`. */
  readonly name: string;
  readonly source: StreamSource;
  /** A view or another relation that cannot be loaded; unset for a table. */
  readonly isView?: boolean;
  /** Empty where they cannot be read. */
  readonly fields: readonly Field[];
  /** Rows, where the system knows without counting. */
  readonly estimatedRows?: number;
}

/** What a dataset is, and how much of it there is as far as the system knows without reading it. */
export interface Estimate {
  /** For example `table`, `view`, `query`, `3 csv files`. */
  readonly kind: string;
  readonly rows?: number;
  readonly bytes?: number;
}

/** Whether the login has the rights for an action, found without moving data. */
export interface Access {
  /** What it is, for example `create table "orders" in schema "public"`. */
  readonly action: string;
  /** What prevents it, each without a final period; empty when nothing does. */
  readonly problems: readonly string[];
}

/**
 * An open connection to one system. A connection of its own serves each part of an extraction and each
 * share of a load. The worker disposes of it once, also after an error; disposing twice is harmless.
 * Every method may be called any number of times, and none changes the system.
 */
export interface Connector extends AsyncDisposable {
  /** Called by `dxt test`. */
  testConnection(): Promise<ServerInfo>;
  /**
   * Fields of a dataset in its own order; undefined when it does not exist. Called before each run.
   *
   * @param skipsMalformed whether records that cannot be parsed are left out where records show the fields
   */
  getStreamFields(ref: StreamRef, skipsMalformed?: boolean): Promise<Field[] | undefined>;
  /**
   * Where a dataset without fields was looked for, why it was not found, and the nearest name: what follows
   * `Cannot find table "x"` in an error, for example `in PostgreSQL: it does not exist`.
   */
  describeMissing(ref: StreamRef): Promise<string>;
  /** All datasets that the login can see, without system catalogs, sorted by name. For `dxt discover`. */
  discover(): Promise<DiscoveredStream[]>;
  /** Kind and size of a dataset that exists. Called by `dxt plan`, and for the total of a progress bar. */
  estimate(source: StreamSource): Promise<Estimate>;
  /** Whether a dataset can be read. Called by `dxt test` and `dxt plan`. */
  checkRead(source: StreamSource): Promise<Access>;
  /** Whether a load of this mode can write, and create what is missing. As `checkRead`. */
  checkWrite(target: StreamTarget, mode: LoadMode): Promise<Access>;
}

/** A method of a connector, which the host calls on the worker that holds the connection. */
export type ConnectorMethod = Exclude<keyof Connector, symbol>;

/** All of them: host and worker derive the calls between them from this list. */
export const CONNECTOR_METHODS = [
  "testConnection",
  "getStreamFields",
  "describeMissing",
  "discover",
  "estimate",
  "checkRead",
  "checkWrite",
] as const satisfies readonly ConnectorMethod[];

/** The methods that a connector of a read-only system must implement; the others have defaults. */
export type SourceAnswers =
  & Pick<Connector, "testConnection" | "getStreamFields">
  & Partial<Connector>;

/** A connector of a read-only system that lists no datasets and needs no closing, unless `own` does. */
export function sourceConnector<Own extends SourceAnswers>(own: Own): Connector & Own {
  return {
    describeMissing: async () => `in ${(await own.testConnection()).product}: it does not exist`,
    discover: () => Promise.resolve([]),
    estimate: ({ type }) => Promise.resolve({ kind: type }),
    async checkRead(source) {
      const found = await own.getStreamFields(source);
      const problems = found === undefined ? ["it does not exist"] : [];
      return { action: `read ${source.type}`, problems };
    },
    checkWrite: () => Promise.resolve({ action: "write", problems: ["it can only be read"] }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
    ...own,
  };
}

/** A row of a control query: values as the driver returns them, for catalogs and checks only. */
export type ControlRow = Record<string, unknown>;

export interface RelationalConnector extends Connector {
  /** Runs a query that changes nothing and returns few rows. Data moves by extractors and loaders. */
  query(sql: string, params?: readonly unknown[]): Promise<ControlRow[]>;
}

export interface FileEntry {
  /** Path that `openRead` takes. */
  readonly path: string;
  /** Path below the folder that was listed, with `/` between its parts. */
  readonly name: string;
  readonly size: number;
  /** Milliseconds since the epoch, where the system knows. */
  readonly modified?: number;
}

/** A file as it was when it was opened, even if another one takes its name afterwards. */
export interface OpenFile extends AsyncDisposable {
  readonly size: number;
  /** Milliseconds since the epoch, where the system knows. */
  readonly modified?: number;
  /** The bytes from the beginning; each call starts anew. */
  stream(): ReadableStream<Uint8Array>;
  /**
   * The bytes from `start` up to `end`; fewer only when the file ends before. `into` has room for
   * them and may be used for them.
   */
  read(start: number, end: number, into?: Uint8Array): Promise<Uint8Array>;
  /** @throws {ExtractorError} when the file was changed since it was opened */
  check(): Promise<void>;
}

/** Looks at a written file, at a path that `openRead` takes, before it appears; throws to stop it. */
export type CheckWritten = (path: string) => Promise<void>;

/** A file to write into a folder. */
export interface NewFile {
  /** Path below the folder, with `/` between its parts. */
  readonly name: string;
  readonly bytes: () => AsyncIterable<Uint8Array>;
  readonly check: CheckWritten;
}

/** What a store of files adds. The category's extractors and loader call it, in their worker. */
export interface FilestoreConnector extends Connector {
  /** The files of a source or target, sorted by name; empty when there are none. */
  list(ref: StreamRef): Promise<FileEntry[]>;
  openRead(path: string): Promise<OpenFile>;
  /**
   * Writes a whole file, which appears only when it is complete and checked; returns its size. Until then, and
   * on failure, the file is unchanged: `bytes` may read the old one. A chunk may change when the next one is
   * requested. While `bytes` are read, another run that writes the file waits or fails, as its claim says.
   */
  write(
    path: string,
    bytes: AsyncIterable<Uint8Array>,
    check: CheckWritten,
    claim?: Claim,
  ): Promise<number>;
  /**
   * Writes files into a folder, all of them or none. Files of the same name are replaced; with the
   * mode `replace` nothing else that was in the folder is left. Locked as with `write`.
   */
  writeFolder(
    path: string,
    files: readonly NewFile[],
    mode: "append" | "replace",
    claim?: Claim,
  ): Promise<void>;
  /** Lists what killed writes left beside a target; while another run writes it, the lock. */
  listLeftovers(target: StreamTarget): Promise<readonly Leftover[]>;
  /**
   * Removes one of them; returns whether it was there.
   *
   * @throws {ConcurrentRunError} when another run writes the target
   */
  removeLeftover(target: StreamTarget, request: LeftoverRequest): Promise<boolean>;
  /** Reports what the user should know, see `ConnectContext`. */
  warn(message: string): void;
}

/** Bounds of a watermark, compared by the source in its own precision. */
export interface WatermarkRange {
  /** Name of the field in the stream. */
  readonly field: string;
  readonly after?: { readonly value: Exclude<Value, null>; readonly inclusive: boolean };
  readonly upTo?: { readonly value: Exclude<Value, null>; readonly inclusive: boolean };
  /** What becomes of records without a watermark. */
  readonly nulls: "include" | "exclude";
}
