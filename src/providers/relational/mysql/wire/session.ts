/**
 * A connection to the server. Measured before it was written: the client library makes objects of rows,
 * three to six times slower than columns, and waits forever when its connection is killed. Here the
 * server's closing packet alone ends a result, every wait is bounded, and an abort kills the statement.
 *
 * Protocol: https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
 */
import type { ConnectContext } from "../../../../core/contracts/provider.ts";
import { ConnectionError } from "../../../../core/errors.ts";
import { formatAddress } from "../../../transport/address.ts";
import { ENDING_SECONDS, GuardedConnection } from "../../../transport/guarded_connection.ts";
import type { ServerKeys } from "../../../transport/socket.ts";
import { logIn } from "./login.ts";
import { type OpenServer, openServer } from "./open_server.ts";
import { PacketChannel } from "./packet_channel.ts";
import {
  ANSWER,
  closeStatement,
  COMMAND,
  command,
  decode,
  framePayload,
  PacketBuffer,
  PayloadReader,
  type ResultColumn,
  type StatementEnd,
} from "./packets.ts";
import { RowStream } from "./row_stream.ts";
import { sendFile } from "./send_file.ts";

/** The keys of a connection that a session needs. */
export interface SessionConfig extends ServerKeys {
  readonly user: string;
  readonly password?: string | undefined;
  readonly database?: string | undefined;
  readonly inactivity_timeout: number;
  readonly allow_public_key_retrieval: boolean;
  /** Whether errors may quote keys. */
  readonly showValues: boolean;
  readonly trace?: ConnectContext["trace"];
  /** Called with the connection's number after seconds in which the server said nothing. */
  readonly onLongWait?: ((connectionId: number) => void) | undefined;
}

export interface QueryResult extends StatementEnd {
  readonly columns: readonly ResultColumn[];
  /** Values in the server's text format. */
  readonly rows: (string | null)[][];
}

/** The purpose of a session. */
export interface SessionOptions {
  /** It loads: the server may ask for the file of our LOAD DATA. */
  readonly localFiles?: boolean;
  /** It kills the statement of another session; no further session kills its own. */
  readonly isKiller?: boolean;
}

/**
 * Settings of each session. Text is utf8mb4 and times are UTC. Strict modes refuse invalid values, zero is
 * stored as zero, and backslashes escape as in our literals. No limit cuts a result short, and the server
 * waits for a slow stage.
 */
const SETTINGS = `SET NAMES utf8mb4, time_zone = '+00:00', autocommit = 1,
  sql_mode = CONCAT(REPLACE(@@sql_mode, 'NO_BACKSLASH_ESCAPES', ''),
    ',STRICT_ALL_TABLES,STRICT_TRANS_TABLES,NO_AUTO_VALUE_ON_ZERO,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'),
  sql_select_limit = 18446744073709551615, net_read_timeout = 86400, net_write_timeout = 86400`;

/**
 * One connection. It serves one caller at a time. An error of a statement leaves it usable, any other error
 * ends it: the server then rolls back what was not committed.
 */
export class Session {
  readonly #connection: GuardedConnection;
  readonly #channel: PacketChannel;

  private constructor(
    readonly config: SessionConfig,
    private readonly server: OpenServer,
    private readonly options: SessionOptions,
  ) {
    const { socket, greeting, capabilities, sequence } = server;
    this.#connection = new GuardedConnection(socket, {
      system: "MySQL",
      address: formatAddress(config),
      connect_timeout: config.connect_timeout,
      inactivity_timeout: config.inactivity_timeout,
      interrupt: async (signal) => {
        if (!options.isKiller) await killStatement(config, greeting.connectionId, signal);
      },
      onLongWait: () => config.onLongWait?.(greeting.connectionId),
    });
    const input = new PacketBuffer(socket);
    input.sequence = sequence;
    this.#channel = new PacketChannel(this.#connection, input, capabilities, config.showValues);
  }

  /**
   * @throws {ConnectionError} when the server cannot be reached in time, or refuses the login
   */
  static async open(
    config: SessionConfig,
    signal?: AbortSignal,
    options: SessionOptions = {},
  ): Promise<Session> {
    signal?.throwIfAborted();
    const server = await openServer(config, options.localFiles === true);
    const session = new Session(config, server, options);
    const { socket, greeting, capabilities } = server;
    await session.#connection.logIn(async () => {
      await logIn(session.#channel, greeting, capabilities, {
        user: config.user,
        password: config.password ?? "",
        database: config.database,
        isPrivate: socket.certificate !== undefined || config.path !== undefined,
        trustsPublicKey: config.allow_public_key_retrieval,
      });
      await session.query(SETTINGS);
    }, signal);
    return session;
  }

  /** As the server writes it, for example `10.11.6-MariaDB-0+deb12u1`. */
  get version(): string {
    return this.server.greeting.version;
  }

  get isMariaDB(): boolean {
    return this.version.includes("MariaDB");
  }

  /** Whether it can serve another caller. */
  get usable(): boolean {
    return this.#connection.usable;
  }

  /** Ends the session when the signal aborts; returns a function that undoes this. */
  endOnAbort(signal: AbortSignal | undefined): () => void {
    return this.#connection.endOnAbort(signal);
  }

  /** Runs a statement without parameters. @throws {MySQLError} what the server says against it */
  async query(sql: string | Uint8Array): Promise<QueryResult> {
    const channel = this.#channel;
    // A statement in bytes is an INSERT with its records, which are not logged.
    this.config.trace?.(typeof sql === "string" ? sql : `INSERT of ${sql.length} bytes`);
    await channel.begin(command(COMMAND.query, sql));
    const first = await channel.receive();
    if (first[0] === ANSWER.ok) return { columns: [], rows: [], ...channel.endByOK(first) };
    const columns = await channel.receiveColumns(channel.parse(columnCount, first));
    const rows: (string | null)[][] = [];
    for (;;) {
      const payload = await channel.receive(columns.length > 0);
      if (channel.isEnd(payload)) return { columns, rows, ...channel.endRows(payload) };
      rows.push(channel.parse((bytes) => readTextRow(bytes, columns.length), payload));
    }
  }

  /** The columns that a statement would return, without running it. */
  async describe(sql: string): Promise<ResultColumn[]> {
    const { id, columns } = await this.#prepare(sql);
    await this.#channel.send(closeStatement(id));
    return columns;
  }

  /** Runs a statement that returns rows, in the binary format. */
  async stream(sql: string): Promise<RowStream> {
    const channel = this.#channel;
    const { id } = await this.#prepare(sql);
    // No cursor, run once, no parameters.
    const argument = new Uint8Array(9);
    new DataView(argument.buffer).setUint32(0, id, true);
    argument[5] = 1;
    await channel.begin(command(COMMAND.execute, argument));
    const first = await channel.receive();
    if (first[0] === ANSWER.ok) {
      this.#connection.endStatement();
      throw new ConnectionError("the statement returned no rows");
    }
    const columns = await channel.receiveColumns(channel.parse(columnCount, first));
    return new RowStream(channel, id, columns);
  }

  /**
   * Runs a LOAD DATA LOCAL INFILE and sends these bytes for its file. Each chunk has
   * {@linkcode HEADER} free bytes at its front.
   */
  async load(sql: string, chunks: AsyncIterable<Uint8Array>): Promise<StatementEnd> {
    if (!this.options.localFiles) throw new TypeError("the session was not opened to load");
    this.config.trace?.(sql);
    await this.#channel.begin(command(COMMAND.query, sql));
    return await sendFile(this.#channel, chunks);
  }

  /** Ends the session within seconds; a statement that still runs is killed first. */
  close(): Promise<void> {
    return this.#connection.close(framePayload(command(COMMAND.quit), 0), this.#channel.input);
  }

  async #prepare(sql: string): Promise<{ id: number; columns: ResultColumn[] }> {
    const channel = this.#channel;
    this.config.trace?.(sql);
    await channel.begin(command(COMMAND.prepare, sql));
    const { id, columnCount, parameterCount } = channel.parse(
      parsePrepared,
      await channel.receive(),
    );
    if (parameterCount > 0) await channel.receiveColumns(parameterCount);
    const columns = columnCount > 0 ? await channel.receiveColumns(columnCount) : [];
    this.#connection.endStatement();
    return { id, columns };
  }
}

/** A result begins with the number of its columns. */
function columnCount(payload: Uint8Array): number {
  return new PayloadReader(payload).length() ?? 0;
}

function parsePrepared(payload: Uint8Array) {
  const reader = new PayloadReader(payload, 1);
  return {
    id: reader.uint32(),
    columnCount: reader.uint16(),
    parameterCount: reader.uint16(),
  };
}

function readTextRow(payload: Uint8Array, columns: number): (string | null)[] {
  const reader = new PayloadReader(payload);
  return Array.from({ length: columns }, () => {
    const bytes = reader.lengthBytes();
    return bytes === undefined ? null : decode(bytes);
  });
}

/** Stops, over another connection, the statement that runs on a connection. */
async function killStatement(
  config: SessionConfig,
  connectionId: number,
  signal: AbortSignal,
): Promise<void> {
  const session = await Session.open(
    { ...config, connect_timeout: ENDING_SECONDS, inactivity_timeout: ENDING_SECONDS },
    signal,
    { isKiller: true },
  );
  const release = session.endOnAbort(signal);
  try {
    await session.query(`KILL ${connectionId}`);
  } finally {
    release();
    await session.close();
  }
}
