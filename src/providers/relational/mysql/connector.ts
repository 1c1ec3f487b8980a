/** An open connection to a MySQL or MariaDB server. */
import type { ServerInfo } from "../../../core/contracts/connector.ts";
import type { ConnectContext } from "../../../core/contracts/provider.ts";
import type { LoadMode } from "../../../models/stream.ts";
import { ServerConnector } from "../connector.ts";
import type { TableName } from "../contract.ts";
import type { SizeReader } from "../estimate.ts";
import type { MySQLTable } from "./catalog.ts";
import { getAddress, type MySQLConfig } from "./config.ts";
import { describeLockWait } from "./lock_wait.ts";
import { findMissingRights } from "./privileges.ts";
import { mysql } from "./system.ts";
import type { ColumnLimit } from "./wire/infile_encoder.ts";
import { isConnectionEnd, MySQLError } from "./wire/server_error.ts";
import { Session, type SessionConfig } from "./wire/session.ts";

export class MySQLConnector extends ServerConnector<Session, MySQLTable, ColumnLimit> {
  override readonly system = mysql;
  protected override readonly sizes = sizes;
  protected override readonly isConnectionEnd = isConnectionEnd;

  private constructor(readonly config: SessionConfig, first: Session, context: ConnectContext) {
    super(context, first);
  }

  /** @throws {ConnectionError} when the server cannot be reached in time, or refuses the login */
  static async open(config: MySQLConfig, context: ConnectContext): Promise<MySQLConnector> {
    const { baseDirectory, showValues, signal } = context;
    const trace = context.trace && ((sql: string) => context.trace!(sql, true));
    const keys: SessionConfig = {
      ...{ ...config, ...getAddress(config), baseDirectory, showValues, trace },
      onLongWait: (id) => void warnOfLock(keys, context, id),
    };
    return new MySQLConnector(keys, await Session.open(keys, signal), context);
  }

  /** Returns a session in a read-only transaction. The caller gives it back. */
  begin(signal: AbortSignal): Promise<Session> {
    return this.take((session) => this.beginReading(session), signal);
  }

  protected override openSession(signal?: AbortSignal): Promise<Session> {
    return Session.open(this.config, signal);
  }

  protected override async beginReading(session: Session): Promise<void> {
    await session.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    await session.query("START TRANSACTION WITH CONSISTENT SNAPSHOT");
  }

  testConnection(): Promise<ServerInfo> {
    return this.reading(({ version, isMariaDB }) => {
      const [, number = version] = /^([\d.]+)/.exec(version) ?? [];
      return { product: isMariaDB ? "MariaDB" : "MySQL", version: number };
    });
  }

  protected override compile(session: Session, sql: string): Promise<unknown> {
    return session.describe(sql);
  }

  override async findWriteRights(session: Session, name: TableName, mode: LoadMode) {
    const { exists, problems } = await super.findWriteRights(session, name, mode);
    if (problems.length > 0) return { exists, problems };
    return { exists, problems: await findMissingRights(session, name, mode, exists) };
  }

  isSystemError(error: unknown): boolean {
    return error instanceof MySQLError;
  }
}

/** Warns of the lock that a connection waits for, where it waits for one. */
async function warnOfLock(
  config: SessionConfig,
  { signal, warn }: ConnectContext,
  id: number,
): Promise<void> {
  try {
    const session = await Session.open({ ...config, onLongWait: undefined }, signal);
    try {
      const wait = await describeLockWait(session, id);
      if (wait !== undefined) warn(wait, true);
    } finally {
      await session.close();
    }
  } catch {
    // The waiting session reports a failure of the server itself.
  }
}

/** Sizes by InnoDB's own estimate; unknown for views and queries. */
const sizes: SizeReader<Session, MySQLTable> = {
  getKind: ({ readOnlyKind }) => readOnlyKind === undefined ? "table" : "view",
  findSize(_session, { readOnlyKind, estimatedRows: rows }) {
    return Promise.resolve(
      readOnlyKind !== undefined || rows === undefined ? undefined : { rows },
    );
  },
};
