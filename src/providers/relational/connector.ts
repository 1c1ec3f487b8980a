/** Connectors of relational systems: the methods that all share, over the provider's own sessions. */
import type {
  Access,
  Connector,
  DiscoveredStream,
  Estimate,
  ServerInfo,
} from "../../core/contracts/connector.ts";
import type { ConnectContext } from "../../core/contracts/provider.ts";
import { ConnectionError, DXTError } from "../../core/errors.ts";
import type { Field } from "../../models/field.ts";
import type { StreamRef, StreamSource, StreamTarget } from "../../models/source.ts";
import type { LoadMode } from "../../models/stream.ts";
import { checkRead, checkWrite, type WriteRights } from "./access.ts";
import type { RelationalSystem, SqlSession, Table, TableName } from "./contract.ts";
import { estimateSource, type SizeReader } from "./estimate.ts";
import { suggestStream } from "../../core/suggest_stream.ts";
import { formatReference, tableName } from "./names.ts";

/** A connection to one relational system. The provider opens sessions and describes its system. */
export abstract class SqlConnector<S extends SqlSession, T extends Table, E> implements Connector {
  abstract readonly system: RelationalSystem<S, T, E>;
  protected abstract readonly sizes: SizeReader<S, T>;
  /** Reports a warning, as in {@linkcode ConnectContext}. */
  readonly warn: ConnectContext["warn"];

  constructor(context: Pick<ConnectContext, "warn">) {
    this.warn = (message, isWait) => context.warn(message, isWait);
  }

  abstract testConnection(): Promise<ServerInfo>;

  /** Runs `work` in a transaction that only reads. */
  abstract reading<R>(work: (session: S) => R | Promise<R>): Promise<R>;

  /** As {@linkcode reading}; a database that does not exist yet is empty. */
  readingTables<R>(work: (session: S) => R | Promise<R>): Promise<R> {
    return this.reading(work);
  }

  /** Lets the system check the rights and names of a SELECT without reading a row. */
  protected abstract compile(session: S, sql: string): unknown;

  /** Whether the system itself refused a statement. */
  abstract isSystemError(error: unknown): boolean;

  /** Whether an error is the result of a check of rights, not a failure of the connection. */
  protected isRefusal(error: unknown): boolean {
    return this.isSystemError(error) ||
      error instanceof DXTError && !(error instanceof ConnectionError);
  }

  /** Whether a table exists, and what keeps the login from a load of this mode into it. */
  async findWriteRights(session: S, name: TableName, _mode: LoadMode): Promise<WriteRights> {
    const table = await this.system.catalog.find(session, name);
    const kind = table?.readOnlyKind;
    const problems = kind === undefined ? [] : [`${table!.label} is ${kind}, expected a table`];
    return { exists: table !== undefined, problems };
  }

  /** Returns undefined for a table or view that does not exist. */
  getStreamFields(ref: StreamRef): Promise<Field[] | undefined> {
    const { catalog } = this.system;
    if (ref.type !== "relation") return this.reading((session) => catalog.describe(session, ref));
    return this.readingTables(async (session) => {
      const table = await catalog.find(session, tableName(ref));
      return table === undefined ? undefined : await catalog.getFields(session, table);
    });
  }

  /** The database as a message names it, and why a table may be missing from it. */
  protected async describeAbsence(): Promise<string> {
    const { product } = await this.testConnection();
    return `in ${product}: it does not exist, or the login may not see it`;
  }

  async describeMissing(ref: StreamRef): Promise<string> {
    // Also throws the error of a system that cannot be reached.
    const absence = await this.describeAbsence();
    if (ref.type !== "relation") return absence;
    const found = await this.discover().catch(() => []);
    const names = found.map(({ name }) => name);
    return names.length === 0
      ? absence
      : absence + suggestStream(formatReference(tableName(ref)), names);
  }

  async discover(): Promise<DiscoveredStream[]> {
    const tables = await this.reading((session) => this.system.catalog.list(session));
    return tables.map(({ reference, readOnlyKind, fields, estimatedRows }) => {
      const name = formatReference(reference);
      return {
        name,
        source: { type: "relation" as const, name },
        ...(readOnlyKind === undefined ? {} : { isView: true }),
        fields,
        ...(estimatedRows === undefined ? {} : { estimatedRows }),
      };
    }).sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  }

  estimate(source: StreamSource): Promise<Estimate> {
    return this.reading((session) => estimateSource(this.system, session, source, this.sizes));
  }

  checkRead(source: StreamSource): Promise<Access> {
    const compile = (sql: string) => this.reading((session) => this.compile(session, sql));
    return checkRead(source, this.system.dialect, compile, (error) => this.isRefusal(error));
  }

  checkWrite(target: StreamTarget, mode: LoadMode): Promise<Access> {
    const rights = (name: TableName) =>
      this.readingTables((session) => this.findWriteRights(session, name, mode));
    return checkWrite(target, mode, rights, (error) => this.isRefusal(error));
  }

  abstract [Symbol.asyncDispose](): Promise<void>;
}

/** A session to a server, one statement at a time. */
export interface ServerSession extends SqlSession {
  /** The session is open, has not failed, and runs no statement. */
  readonly usable: boolean;
  close(): Promise<void>;
  /** Ends the session when the signal aborts, until the returned function is called. */
  endOnAbort(signal: AbortSignal): () => void;
}

/** A connector whose sessions connect to a server; it keeps one idle session for the next caller. */
export abstract class ServerConnector<S extends ServerSession, T extends Table, E>
  extends SqlConnector<S, T, E> {
  #idle: S | undefined;

  constructor(context: Pick<ConnectContext, "warn">, first: S) {
    super(context);
    this.#idle = first;
  }

  protected abstract openSession(signal?: AbortSignal): Promise<S>;

  /** Whether the server reports by this error that it ended the connection. */
  protected abstract isConnectionEnd(error: unknown): boolean;

  /** Begins a read-only transaction that sees one snapshot. */
  protected abstract beginReading(session: S): Promise<unknown>;

  /** Returns a session in the transaction that `begin` begins. The caller gives it back or closes it. */
  protected async take(
    begin: (session: S) => Promise<unknown>,
    signal?: AbortSignal,
  ): Promise<S> {
    const idle = this.#idle;
    this.#idle = undefined;
    if (idle?.usable) {
      try {
        await begin(idle);
        return idle;
      } catch (error) {
        await idle.close();
        // The server or a proxy may have closed it in the meantime.
        if (!(error instanceof ConnectionError || this.isConnectionEnd(error))) throw error;
      }
    }
    const session = await this.openSession(signal);
    try {
      await begin(session);
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Keeps a session that is in no transaction for the next caller; closes it if it failed. */
  async giveBack(session: S): Promise<void> {
    if (session.usable && this.#idle === undefined) this.#idle = session;
    else await session.close();
  }

  override async reading<R>(work: (session: S) => R | Promise<R>): Promise<R> {
    const session = await this.take((one) => this.beginReading(one));
    try {
      const result = await work(session);
      await session.query("COMMIT");
      await this.giveBack(session);
      return result;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Yields what `work` reads over a taken session; closes the session unless `work` completes. */
  async *streaming<V, R>(
    session: S,
    signal: AbortSignal,
    work: AsyncGenerator<V, R, void>,
  ): AsyncGenerator<V, R, void> {
    const release = session.endOnAbort(signal);
    let isWhole = false;
    try {
      const result = yield* work;
      isWhole = true;
      return result;
    } finally {
      release();
      if (isWhole) await this.giveBack(session);
      else await session.close();
    }
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#idle;
    this.#idle = undefined;
    await session?.close();
  }
}
