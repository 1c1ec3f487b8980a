/** An open connection to a MySQL or MariaDB server. */
import type {
  Access,
  Connector,
  DiscoveredStream,
  Estimate,
  ServerInfo,
} from "../../../core/contracts/connector.ts";
import { ConnectionError, DXTError } from "../../../core/errors.ts";
import type { ConnectContext } from "../../../core/contracts/provider.ts";
import type { Field } from "../../../models/field.ts";
import type { StreamRef, StreamSource, StreamTarget } from "../../../models/source.ts";
import type { LoadMode } from "../../../models/stream.ts";
import { checkRead, checkWrite, type WriteRights } from "../access.ts";
import { discoverStreams, streamFields } from "../connector.ts";
import type { TableName } from "../contract.ts";
import { estimateSource, type SizeReader } from "../estimate.ts";
import { catalog, type MySQLTable } from "./catalog.ts";
import { addressOf, type MySQLConfig } from "./config.ts";
import { dialect } from "./dialect.ts";
import { mysql } from "./system.ts";
import { isConnectionEnd, MySQLError } from "./wire/server_error.ts";
import { Session, type SessionConfig } from "./wire/session.ts";

/** One moment for all that a transaction reads. */
const BEGIN_READ = [
  "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
  "START TRANSACTION WITH CONSISTENT SNAPSHOT",
];

export class MySQLConnector implements Connector {
  readonly system = mysql;
  readonly warn: ConnectContext["warn"];
  readonly config: SessionConfig;
  /** A session that waits for its next caller; it does not load. */
  #idle: Session | undefined;

  private constructor(config: SessionConfig, first: Session, context: ConnectContext) {
    this.config = config;
    this.#idle = first;
    this.warn = (message) => context.warn(message);
  }

  /** @throws {ConnectionError} when the server cannot be reached in time, or refuses the login */
  static async open(config: MySQLConfig, context: ConnectContext): Promise<MySQLConnector> {
    const { baseDirectory, showValues, signal } = context;
    const keys = { ...config, ...addressOf(config), baseDirectory, showValues };
    return new MySQLConnector(keys, await Session.open(keys, signal), context);
  }

  /** A session in a transaction that reads, for one caller, who gives it back. */
  async begin(signal?: AbortSignal): Promise<Session> {
    const idle = this.#idle;
    this.#idle = undefined;
    if (idle?.usable) {
      try {
        for (const statement of BEGIN_READ) await idle.query(statement);
        return idle;
      } catch (error) {
        await idle.close();
        // The server, or what is before it, may have closed it meanwhile.
        if (!(error instanceof ConnectionError || isConnectionEnd(error))) throw error;
      }
    }
    const session = await Session.open(this.config, signal);
    for (const statement of BEGIN_READ) await session.query(statement);
    return session;
  }

  /** Ends the transaction, and keeps the session for the next caller when it is whole. */
  async giveBack(session: Session): Promise<void> {
    if (session.usable) await session.query("COMMIT");
    if (session.usable && this.#idle === undefined) this.#idle = session;
    else await session.close();
  }

  /** Runs `work` in a transaction that only reads. */
  async reading<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const session = await this.begin();
    try {
      const result = await work(session);
      await this.giveBack(session);
      return result;
    } catch (error) {
      await session.close();
      throw error;
    }
  }

  testConnection(): Promise<ServerInfo> {
    return this.reading((session) => {
      const [, number = session.version] = /^([\d.]+)/.exec(session.version) ?? [];
      return Promise.resolve({ product: session.isMariaDB ? "MariaDB" : "MySQL", version: number });
    });
  }

  getStreamFields(ref: StreamRef): Promise<Field[] | undefined> {
    return this.reading((session) => streamFields(mysql, session, ref));
  }

  discover(): Promise<DiscoveredStream[]> {
    return this.reading((session) => discoverStreams(mysql, session));
  }

  estimate(source: StreamSource): Promise<Estimate> {
    return this.reading((session) => estimateSource(mysql, session, source, sizes));
  }

  /** The server prepares the query, and reads no row. */
  checkRead(source: StreamSource): Promise<Access> {
    const compile = (sql: string) => this.reading((session) => session.describe(sql));
    return checkRead(source, dialect, compile, isRefusal);
  }

  checkWrite(target: StreamTarget, mode: LoadMode): Promise<Access> {
    const rights = (name: TableName): Promise<WriteRights> =>
      this.reading(async (session) => {
        const table = await catalog.find(session, name);
        if (table?.readOnlyKind === undefined) return { exists: table !== undefined, problems: [] };
        return { exists: true, problems: [`${table.label} is ${table.readOnlyKind}`] };
      });
    return checkWrite(target, mode, rights, isRefusal);
  }

  readingTables<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.reading(work);
  }

  isSystemError(error: unknown): boolean {
    return error instanceof MySQLError;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const session = this.#idle;
    this.#idle = undefined;
    await session?.close();
  }
}

/** An error of the server or of names, not one of the connection. */
function isRefusal(error: unknown): boolean {
  return error instanceof DXTError && !(error instanceof ConnectionError);
}

/** InnoDB's own estimate; of views and queries nothing is known. */
const sizes: SizeReader<Session, MySQLTable> = {
  kindOf: ({ readOnlyKind }) => readOnlyKind === undefined ? "table" : "view",
  sizeOf(_session, { readOnlyKind, estimatedRows: rows }) {
    return Promise.resolve(
      readOnlyKind !== undefined || rows === undefined ? undefined : { rows },
    );
  },
};
