/** An open connection to a PostgreSQL database. */
import type {
  Access,
  ControlRow,
  DiscoveredStream,
  Estimate,
  RelationalConnector,
  ServerInfo,
} from "../../../core/contracts/connector.ts";
import { ConnectionError, ConnectorError } from "../../../core/errors.ts";
import type { ConnectContext } from "../../../core/contracts/provider.ts";
import type { Field } from "../../../models/field.ts";
import type { StreamRef, StreamSource, StreamTarget } from "../../../models/source.ts";
import type { LoadMode } from "../../../models/stream.ts";
import { type PostgresSystem, postgresSystem } from "./system.ts";
import { discoverStreams, streamFields } from "../connector.ts";
import { checkRead, checkWrite } from "../access.ts";
import { estimateSource } from "../estimate.ts";
import { readOnlyReason, writeRights } from "./sql/privileges.ts";
import { ControlClient } from "./sql/control.ts";
import { sizes } from "./sql/size_estimate.ts";
import { isConnectionEnd, PostgresError } from "./wire/server_error.ts";
import { describeLockWait } from "./sql/lock_wait.ts";
import { type ConnectionConfig, Session, type SessionConfig } from "./wire/session.ts";
import { beginStatement, type TransactionMode } from "./sql/session_settings.ts";

type Context = Pick<ConnectContext, "signal" | "warn">;

export class PostgresConnector implements RelationalConnector {
  /** Reports a fact that stops nothing, as in {@linkcode ConnectContext}. */
  readonly warn: (message: string) => void;
  /** A session that waits for its next caller. */
  #idle: Session | undefined;
  readonly #control: ControlClient;

  readonly system: PostgresSystem;
  /** Of the server that the first session found: a snapshot and a load belong to one. */
  readonly config: SessionConfig;

  private constructor(
    first: Session,
    { signal, warn }: Context,
  ) {
    this.config = first.config;
    this.#idle = first;
    this.#control = new ControlClient({ ...this.config, password: first.password }, signal);
    this.warn = warn;
    this.system = postgresSystem(this.config.schema, warn);
  }

  /** @throws {ConnectionError} when the server cannot be reached in time, or refuses the login */
  static async open(config: ConnectionConfig, context: Context): Promise<PostgresConnector> {
    const onLongWait = (pid: number) => connector.#warnOfLock(pid);
    const first = await Session.open(config, context.signal, onLongWait);
    const connector = new PostgresConnector(first, context);
    return connector;
  }

  /** Warns of the lock that a session waits for, where it waits for one. */
  async #warnOfLock(pid: number): Promise<void> {
    try {
      const wait = await describeLockWait((sql, params) => this.query(sql, params), pid);
      if (wait !== undefined) this.warn(wait);
    } catch {
      // The session itself says what is wrong with the server.
    }
  }

  /** A session for one caller, who gives it back, in a transaction. */
  async begin(
    mode: TransactionMode,
    signal?: AbortSignal,
    snapshot?: string,
  ): Promise<Session> {
    const begin = beginStatement(mode, this.config, snapshot);
    const idle = this.#idle;
    this.#idle = undefined;
    if (idle?.usable) {
      try {
        await idle.query(begin);
        if (mode === "write") refuseReadOnly(idle);
        return idle;
      } catch (error) {
        await idle.close();
        // The server, or what is before it, may have closed it meanwhile.
        if (!(error instanceof ConnectionError || isConnectionEnd(error))) throw error;
      }
    }
    const onLongWait = (pid: number) => this.#warnOfLock(pid);
    const session = await Session.open(this.config, signal, onLongWait);
    try {
      await session.query(begin);
      if (mode === "write") refuseReadOnly(session);
      return session;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  /** Keeps a session for the next caller when it is whole and idle, and ends it when not. */
  async giveBack(session: Session): Promise<void> {
    if (session.usable && this.#idle === undefined) this.#idle = session;
    else await session.close();
  }

  /** Runs `work` in a transaction that only reads. */
  async reading<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.begin("read");
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

  readingTables<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.reading(work);
  }

  isSystemError(error: unknown): boolean {
    return error instanceof PostgresError;
  }

  async testConnection(): Promise<ServerInfo> {
    const [row] = await this.query("SHOW server_version");
    return { product: "PostgreSQL", version: String(row!["server_version"]) };
  }

  getStreamFields(ref: StreamRef): Promise<Field[] | undefined> {
    return this.reading((session) => streamFields(this.system, session, ref));
  }

  discover(): Promise<DiscoveredStream[]> {
    return this.reading((session) => discoverStreams(this.system, session));
  }

  estimate(source: StreamSource): Promise<Estimate> {
    return this.reading((session) => estimateSource(this.system, session, source, sizes));
  }

  checkRead(source: StreamSource): Promise<Access> {
    const compile = (sql: string) => this.reading((session) => session.lock(sql));
    return checkRead(source, this.system.dialect, compile, (error) => this.isSystemError(error));
  }

  checkWrite(target: StreamTarget, mode: LoadMode): Promise<Access> {
    return checkWrite(target, mode, (table, label) => writeRights(this, table, label, mode));
  }

  query(sql: string, params: readonly unknown[] = []): Promise<ControlRow[]> {
    return this.#control.query(sql, params);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#idle;
    this.#idle = undefined;
    await Promise.all([session?.close(), this.#control.close()]);
  }
}

/** Those that servers from version 14 on report; an older one refuses the first statement that writes. */
function refuseReadOnly({ parameters }: Session): void {
  const why = readOnlyReason({
    standby: parameters.get("in_hot_standby") === "on",
    byDefault: parameters.get("default_transaction_read_only") === "on",
  });
  if (why !== undefined) throw new ConnectorError(`Cannot write to PostgreSQL: ${why}`);
}
