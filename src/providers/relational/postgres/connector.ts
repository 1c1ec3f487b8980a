/** An open connection to a PostgreSQL database. */
import type {
  ControlRow,
  RelationalConnector,
  ServerInfo,
} from "../../../core/contracts/connector.ts";
import { ConnectorError } from "../../../core/errors.ts";
import type { ConnectContext } from "../../../core/contracts/provider.ts";
import type { LoadMode } from "../../../models/stream.ts";
import type { WriteRights } from "../access.ts";
import { ServerConnector } from "../connector.ts";
import type { TableName } from "../contract.ts";
import { type PostgresSystem, postgresSystem } from "./system.ts";
import { findWriteRights, readOnlyReason } from "./sql/privileges.ts";
import { ControlClient } from "./sql/control.ts";
import { sizes } from "./sql/size_estimate.ts";
import type { Relation } from "./sql/catalog.ts";
import type { ColumnEncoding } from "./types/column_encoding.ts";
import { isConnectionEnd, PostgresError } from "./wire/server_error.ts";
import { describeLockWait } from "./sql/lock_wait.ts";
import { type ConnectionConfig, Session, type SessionConfig } from "./wire/session.ts";
import { beginStatement, type TransactionMode } from "./sql/session_settings.ts";

type Context = Pick<ConnectContext, "signal" | "warn">;

export class PostgresConnector extends ServerConnector<Session, Relation, ColumnEncoding>
  implements RelationalConnector {
  readonly #control: ControlClient;
  override readonly system: PostgresSystem;
  /** Of the server that the first session found: a snapshot and a load belong to one. */
  readonly config: SessionConfig;
  protected override readonly sizes = sizes;
  protected override readonly isConnectionEnd = isConnectionEnd;

  private constructor(first: Session, context: Context) {
    super(context, first);
    this.config = first.config;
    this.#control = new ControlClient(
      { ...this.config, password: first.password },
      context.signal,
    );
    this.system = postgresSystem(this.config.schema, this.warn);
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
      if (wait !== undefined) this.warn(wait, true);
    } catch {
      // The waiting session reports a failure of the server itself.
    }
  }

  /** Returns a session in a transaction. The caller gives it back. */
  begin(mode: TransactionMode, signal?: AbortSignal, snapshot?: string): Promise<Session> {
    const begin = beginStatement(mode, this.config, snapshot);
    return this.take(async (session) => {
      if (mode !== "write") await session.query(begin);
      else {
        await session.beginWriting(begin);
        refuseReadOnly(session);
      }
    }, signal);
  }

  protected override beginReading(session: Session): Promise<unknown> {
    return session.query(beginStatement("read", this.config));
  }

  protected override openSession(signal?: AbortSignal): Promise<Session> {
    return Session.open(this.config, signal, (pid) => this.#warnOfLock(pid));
  }

  protected override compile(session: Session, sql: string): Promise<unknown> {
    return session.lock(sql);
  }

  override findWriteRights(
    session: Session,
    name: TableName,
    mode: LoadMode,
  ): Promise<WriteRights> {
    return findWriteRights(session, name, this.config.schema, mode);
  }

  isSystemError(error: unknown): boolean {
    return error instanceof PostgresError;
  }

  testConnection(): Promise<ServerInfo> {
    return this.reading(({ parameters }) =>
      Promise.resolve({
        product: "PostgreSQL",
        version: parameters.get("server_version") ?? "unknown",
      })
    );
  }

  query(sql: string, params: readonly unknown[] = []): Promise<ControlRow[]> {
    return this.#control.query(sql, params);
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([super[Symbol.asyncDispose](), this.#control.close()]);
  }
}

/** Refuses a read-only session. Servers before version 14 do not report it, and refuse the first write. */
function refuseReadOnly({ parameters }: Session): void {
  const why = readOnlyReason({
    standby: parameters.get("in_hot_standby") === "on",
    byDefault: parameters.get("default_transaction_read_only") === "on",
  });
  if (why !== undefined) throw new ConnectorError(`Cannot write to PostgreSQL: ${why}`);
}
