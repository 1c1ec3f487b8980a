/**
 * A connection to the server for everything that moves data. Measured before it was written: the client
 * library returns one chunk for each row when copying out (2.3 µs each), waits forever when the server
 * is lost while copying in, and its cursor ended normally after part of a table when the server was
 * killed. Here the server's command tag alone ends a COPY, every wait is bounded, and an abort cancels
 * the statement.
 *
 * Protocol: https://www.postgresql.org/docs/current/protocol-flow.html
 */
import type { ConnectContext } from "../../../../core/contracts/provider.ts";
import { GuardedConnection } from "../../../transport/guarded_connection.ts";
import type { ByteSocket, ServerKeys } from "../../../transport/socket.ts";
import { type Address, formatAddress, type PostgresConfig } from "../config.ts";
import { type BackendKey, cancelStatement } from "./cancel.ts";
import { sendCopy } from "./copy_in.ts";
import { CopyOut } from "./copy_out.ts";
import { Authentication, loginMessage } from "./login.ts";
import { MessageBuffer } from "./message_buffer.ts";
import { MessageChannel } from "./message_channel.ts";
import {
  describeMessage,
  encodeCString,
  MESSAGE,
  message,
  parseDataRow,
  parseMessage,
  parseRowDescription,
  readString,
  type ResultColumn,
} from "./messages.ts";
import { openSocket } from "./open_socket.ts";
import { chooseServer } from "./server_choice.ts";
import { PostgresError } from "./server_error.ts";

/** The keys of a connection, and the folder that its relative paths start from. */
export type ConnectionConfig =
  & PostgresConfig
  & Pick<ServerKeys, "baseDirectory">
  & Pick<ConnectContext, "showValues" | "trace">;

/** The same, for one server. */
export type SessionConfig = ConnectionConfig & Address;

export interface QueryResult {
  readonly columns: readonly ResultColumn[];
  /** Values in the server's text format. */
  readonly rows: (string | null)[][];
  readonly tag: string;
}

/**
 * One connection. It serves one caller at a time, and ends at the first error of any kind: the server
 * then rolls back what was not committed. Only `surviveErrors` keeps it.
 */
export class Session {
  /** The password in the form that the server accepted. */
  password = "";
  readonly #connection: GuardedConnection;
  readonly #channel: MessageChannel;
  #key: BackendKey | undefined;
  /** Process and start, in seconds, of the last transaction that writes. A pooler changes the process with each. */
  #transaction: { readonly pid: string; readonly start: string } | undefined;

  private constructor(
    readonly config: SessionConfig,
    private readonly socket: ByteSocket,
    onLongWait: (pid: number) => void,
  ) {
    this.#connection = new GuardedConnection(socket, {
      system: "PostgreSQL",
      address: formatAddress(config),
      connect_timeout: config.connect_timeout,
      inactivity_timeout: config.inactivity_timeout,
      interrupt: async (signal, isSilent) => {
        if (this.#key === undefined) return;
        await Promise.allSettled([
          cancelStatement(config, this.#key, signal),
          ...(isSilent ? [this.#endTransaction(signal)] : []),
        ]);
      },
      onLongWait: () => this.#key === undefined || onLongWait(this.#key.pid),
    });
    this.#channel = new MessageChannel(
      this.#connection,
      new MessageBuffer(socket),
      config.showValues,
    );
  }

  /**
   * Tries the connection's servers in turn, until one is of the wanted kind.
   *
   * @param onLongWait is called with the server's process after seconds in which it said nothing
   * @throws {ConnectionError} when none can be reached in time, or one refuses the login
   */
  static open(
    config: ConnectionConfig,
    signal?: AbortSignal,
    onLongWait: (pid: number) => void = () => {},
  ): Promise<Session> {
    return chooseServer(config, async (server) => {
      signal?.throwIfAborted();
      const target = { ...config, ...server };
      const session = new Session(target, await openSocket(target), onLongWait);
      await session.#connection.logIn(() => session.#logIn(), signal);
      return session;
    });
  }

  /**
   * Begins a transaction that writes. If the server falls silent in it, another connection ends it: the server
   * would wait for the rest of a COPY, or for the next statement, and keep its locks. A request to cancel
   * does not end that wait.
   *
   * @param begin statements
   */
  async beginWriting(begin: string): Promise<void> {
    const { rows: [row] } = await this.query(
      `${begin}; SELECT pg_backend_pid(), extract(epoch FROM transaction_timestamp())`,
    );
    this.#transaction = { pid: row![0]!, start: row![1]! };
  }

  /** Settings that the server reports, for example `server_version`. */
  get parameters(): ReadonlyMap<string, string> {
    return this.#channel.parameters;
  }

  /** Whether it can serve another caller. */
  get usable(): boolean {
    return this.#connection.usable;
  }

  /**
   * Runs statements whose errors do not end the session. The caller has set a savepoint, to which it returns
   * after an error.
   */
  async surviveErrors<T>(work: () => Promise<T>): Promise<T> {
    this.#channel.survives = true;
    try {
      return await work();
    } finally {
      this.#channel.survives = false;
    }
  }

  /** Ends the session when the signal aborts; returns a function that undoes this. */
  endOnAbort(signal: AbortSignal | undefined): () => void {
    return this.#connection.endOnAbort(signal);
  }

  /** Runs statements without parameters; returns the result of the last one. */
  async query(sql: string): Promise<QueryResult> {
    this.config.trace?.(sql);
    await this.#channel.begin(message(MESSAGE.query, encodeCString(sql)));
    let columns: ResultColumn[] = [];
    let rows: (string | null)[][] = [];
    let tag = "";
    await this.#channel.receiveAll((type, body) => {
      if (type === MESSAGE.rowDescription) [columns, rows] = [parseRowDescription(body), []];
      else if (type === MESSAGE.dataRow) rows.push(parseDataRow(body));
      else if (type === MESSAGE.commandComplete) tag = readString(body.bytes, 0)[0];
      else if (type !== MESSAGE.empty) this.#channel.refuse(type);
    });
    return { columns, rows, tag };
  }

  /** The columns that a statement would return, without running it. */
  describe(sql: string): Promise<ResultColumn[]> {
    return this.#readColumns(sql, describeMessage("S"));
  }

  /**
   * As {@linkcode describe}, and plans the statement. The transaction then has the locks of all tables that
   * it reads, also of views and partitions. The login needs no right but to read them.
   */
  lock(sql: string): Promise<ResultColumn[]> {
    // Unnamed portal and statement, no formats, no parameters.
    const bind = message(MESSAGE.bind, new Uint8Array(8));
    return this.#readColumns(sql, bind, describeMessage("P"));
  }

  /** Begins a COPY TO STDOUT. */
  async copyOut(sql: string): Promise<CopyOut> {
    await this.#beginCopy(sql, MESSAGE.copyOut);
    return new CopyOut(this.#channel);
  }

  /**
   * Sends frames, which are complete CopyData messages, as a COPY FROM STDIN.
   *
   * @returns the command tag, for example `COPY 347`
   */
  async copyIn(sql: string, frames: AsyncIterable<Uint8Array>): Promise<string> {
    await this.#beginCopy(sql, MESSAGE.copyIn);
    return await sendCopy(this.#channel, frames);
  }

  /** Ends the session within seconds; a statement that still runs is cancelled first. */
  close(): Promise<void> {
    return this.#connection.close(message(MESSAGE.terminate));
  }

  /** @throws {PostgresError} with the line of the faulty statement, which the user may have written */
  async #readColumns(sql: string, ...messages: Uint8Array[]): Promise<ResultColumn[]> {
    this.config.trace?.(sql);
    let columns: ResultColumn[] = [];
    try {
      await this.#channel.begin(parseMessage(sql), ...messages, message(MESSAGE.sync));
      await this.#channel.receiveAll((type, body) => {
        if (type === MESSAGE.rowDescription) columns = parseRowDescription(body);
      });
    } catch (error) {
      throw error instanceof PostgresError ? error.inStatement(sql) : error;
    }
    return columns;
  }

  /** Ends the server's process of the transaction, if it is still in it. */
  async #endTransaction(signal: AbortSignal): Promise<void> {
    if (this.#transaction === undefined) return;
    const { pid, start } = this.#transaction;
    const other = new Session(this.config, await openSocket(this.config), () => {});
    await other.#connection.logIn(() => other.#logIn(), signal);
    const release = other.endOnAbort(signal);
    try {
      await other.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid = ${pid} AND extract(epoch FROM xact_start) = ${start}`,
      );
    } finally {
      release();
      await other.close();
    }
  }

  async #beginCopy(sql: string, wanted: number): Promise<void> {
    this.config.trace?.(sql);
    await this.#channel.begin(message(MESSAGE.query, encodeCString(sql)));
    const [type, body] = await this.#channel.receive();
    if (type !== wanted) this.#channel.refuse(type, body);
  }

  async #logIn(): Promise<void> {
    const channel = this.#channel;
    await channel.begin(loginMessage(this.config));
    const authentication = new Authentication(this.config, this.socket.certificate);
    for (;;) {
      const [type, body] = await channel.receive();
      if (type === MESSAGE.ready) break;
      if (type === MESSAGE.backendKey) {
        this.#key = { pid: body.view.getInt32(0), secret: body.view.getInt32(4) };
      } else if (type === MESSAGE.authentication) {
        const reply = await authentication.answer(body);
        if (reply !== undefined) await channel.send(reply);
      } else if (type !== MESSAGE.negotiate) channel.refuse(type);
    }
    this.password = authentication.password;
    this.#connection.endStatement();
  }
}

/** The server's major version; not a number of a server that tells none. */
export function parseVersion({ parameters }: Pick<Session, "parameters">): number {
  return parseInt(parameters.get("server_version") ?? "", 10);
}
