/**
 * An own connection to the server, for all that moves data. Measured before it was written: the
 * client library gives one chunk for each row when copying out (2.3 µs each), waits for ever when
 * the peer is lost while copying in, and its cursor ended as if done after part of a table when the
 * server was killed. Here the server's command tag alone ends a COPY, every wait is bounded, and an
 * abort cancels what the server is doing.
 *
 * Protocol: https://www.postgresql.org/docs/current/protocol-flow.html
 */
import type { ConnectContext } from "../../../../core/contracts/provider.ts";
import { ConnectionError, DXTError, messageOf } from "../../../../core/errors.ts";
import { type Address, addressesOf, formatAddress, type PostgresConfig } from "../config.ts";
import { connectionLost, PostgresError } from "./server_error.ts";
import { type BackendKey, cancelStatement } from "./cancel.ts";
import { CopyOut } from "./copy_out.ts";
import { MessageBuffer } from "./message_buffer.ts";
import { Authentication, loginMessage } from "./login.ts";
import {
  bodyOf,
  describeMessage,
  encodeCString,
  MESSAGE,
  message,
  type MessageBody,
  parseDataRow,
  parseMessage,
  parseReport,
  parseRowDescription,
  readString,
  type ResultColumn,
} from "./messages.ts";
import type { ByteSocket } from "../../../transport/socket.ts";
import { openSocket, type ServerKeys } from "./open_socket.ts";
import { isOfKind, ROLE_QUERY, type ServerRole } from "./session_kind.ts";
import { IdleTimeout } from "../../../transport/idle_timeout.ts";

/** A connection's keys, and the folder that its relative paths start from. */
export type ConnectionConfig =
  & PostgresConfig
  & Pick<ServerKeys, "baseDirectory">
  & Pick<ConnectContext, "showValues">;

/** The same of one server. */
export type SessionConfig = ConnectionConfig & Address;

/** Whether a server took the connection and not the login: the others would say the same. */
function isRefusal({ cause }: ConnectionError): boolean {
  return cause instanceof PostgresError && !cause.code.startsWith("57P") &&
    !cause.code.startsWith("53");
}

export interface QueryResult {
  readonly columns: readonly ResultColumn[];
  /** Values in the server's text format. */
  readonly rows: (string | null)[][];
  readonly tag: string;
}

/**
 * One connection. It serves one caller at a time, and ends at the first error of any kind: the server
 * then rolls back what was not committed.
 */
export class Session {
  /** What the server told of itself, for example `server_version`. */
  readonly parameters = new Map<string, string>();
  /** The password in the form that the server took. */
  password = "";
  readonly #input: MessageBuffer;
  readonly #where: string;
  readonly #watchdog: IdleTimeout;
  #key: BackendKey | undefined;
  /** A statement is running. */
  #busy = false;
  #failure: unknown;
  #closed = false;
  #cancelling: Promise<void> = Promise.resolve();

  private constructor(
    readonly config: SessionConfig,
    private readonly socket: ByteSocket,
    onLongWait: (pid: number) => void,
  ) {
    this.#input = new MessageBuffer(socket);
    this.#where = formatAddress(config);
    this.#watchdog = new IdleTimeout(
      config.inactivity_timeout * 1000,
      () => this.#silent(),
      () => this.#key === undefined || onLongWait(this.#key.pid),
    );
  }

  /**
   * Tries the connection's servers in turn, until one is of the wanted kind.
   *
   * @param onLongWait is called with the server's process after seconds in which it said nothing
   * @throws {ConnectionError} when none can be reached in time, or one refuses the login
   */
  static async open(
    config: ConnectionConfig,
    signal?: AbortSignal,
    onLongWait: (pid: number) => void = () => {},
  ): Promise<Session> {
    const { target_session_attrs: kind } = config;
    const servers = addressesOf(config);
    const failures: string[] = [];
    const tries = kind === "prefer-standby" ? [kind, "any"] as const : [kind];
    for (const wanted of tries) {
      for (const server of servers) {
        try {
          const session = await Session.#openAt({ ...config, ...server }, signal, onLongWait);
          if (wanted === "any" || isOfKind(wanted, await session.#role())) return session;
          await session.close();
          failures.push(
            `Cannot use PostgreSQL at "${
              formatAddress(server)
            }": it is not ${wanted} (target_session_attrs)`,
          );
        } catch (error) {
          const isLast = servers.length === 1 && tries.length === 1;
          if (isLast || !(error instanceof ConnectionError) || isRefusal(error)) throw error;
          failures.push(error.message);
        }
      }
    }
    throw new ConnectionError([...new Set(failures)].join("; "));
  }

  async #role(): Promise<ServerRole> {
    const { rows: [row] } = await this.query(ROLE_QUERY);
    return { isStandby: row![0] === "t", isReadOnly: row![1] === "t" };
  }

  static async #openAt(
    config: SessionConfig,
    signal: AbortSignal | undefined,
    onLongWait: (pid: number) => void,
  ): Promise<Session> {
    signal?.throwIfAborted();
    const session = new Session(config, await openSocket(config), onLongWait);
    const timer = setTimeout(
      () =>
        session.#fail(
          new ConnectionError(
            `Cannot connect to PostgreSQL at "${session.#where}": no answer to the login within ${config.connect_timeout} s (connect_timeout)`,
          ),
        ),
      config.connect_timeout * 1000,
    );
    const release = session.abortedBy(signal);
    try {
      await session.#login();
    } catch (error) {
      session.#end();
      throw session.#refusal(error);
    } finally {
      clearTimeout(timer);
      release();
    }
    return session;
  }

  /** Whether it can serve another caller. */
  get usable(): boolean {
    return !this.#closed && !this.#busy;
  }

  /** Ends the session when the signal says so; returns what undoes that. */
  abortedBy(signal: AbortSignal | undefined): () => void {
    if (signal === undefined) return () => {};
    const abort = () => {
      if (this.#busy) this.#cancel();
      this.#fail(signal.reason);
    };
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    return () => signal.removeEventListener("abort", abort);
  }

  /** Runs statements without parameters; returns the result of the last one. */
  async query(sql: string): Promise<QueryResult> {
    await this.#begin(message(MESSAGE.query, encodeCString(sql)));
    let columns: ResultColumn[] = [];
    let rows: (string | null)[][] = [];
    let tag = "";
    await this.#untilReady((type, body) => {
      if (type === MESSAGE.rowDescription) [columns, rows] = [parseRowDescription(body), []];
      else if (type === MESSAGE.dataRow) rows.push(parseDataRow(body));
      else if (type === MESSAGE.commandComplete) tag = readString(body.bytes, 0)[0];
      else if (type !== MESSAGE.empty) this.#unexpected(type);
    });
    return { columns, rows, tag };
  }

  /** The columns that a statement would return, without running it. */
  describe(sql: string): Promise<ResultColumn[]> {
    return this.#columnsOf(parseMessage(sql), describeMessage("S"));
  }

  /**
   * As {@linkcode describe}, and plans the statement: the transaction then has the locks of all that it
   * reads, views and partitions too, with no other right than to read it.
   */
  lock(sql: string): Promise<ResultColumn[]> {
    // Portal, statement, and no formats or parameters.
    const bind = message(MESSAGE.bind, new Uint8Array(8));
    return this.#columnsOf(parseMessage(sql), bind, describeMessage("P"));
  }

  async #columnsOf(...messages: Uint8Array[]): Promise<ResultColumn[]> {
    await this.#begin(...messages, message(MESSAGE.sync));
    let columns: ResultColumn[] = [];
    await this.#untilReady((type, body) => {
      if (type === MESSAGE.rowDescription) columns = parseRowDescription(body);
    });
    return columns;
  }

  /** Begins a COPY TO STDOUT. */
  async copyOut(sql: string): Promise<CopyOut> {
    await this.#begin(message(MESSAGE.query, encodeCString(sql)));
    const [type, body] = await this.#answer();
    if (type !== MESSAGE.copyOut) this.#unexpected(type, body);
    return new CopyOut(
      this.#input,
      () => this.#receive(),
      (t, b) => this.#handle(t, b),
      () => this.#idle(),
    );
  }

  /**
   * Sends frames, which are CopyData messages ready to go, as a COPY FROM STDIN.
   *
   * @returns the command tag, for example `COPY 347`
   */
  async copyIn(sql: string, frames: AsyncIterable<Uint8Array>): Promise<string> {
    await this.#begin(message(MESSAGE.query, encodeCString(sql)));
    const [type, body] = await this.#answer();
    if (type !== MESSAGE.copyIn) this.#unexpected(type, body);
    let tag = "";
    // The server may refuse a row long before the last one is sent.
    let answered = false;
    let sent = false;
    const answer = this.#untilReady((kind, said) => {
      if (kind !== MESSAGE.commandComplete) this.#unexpected(kind);
      tag = readString(said.bytes, 0)[0];
    }, () => sent).finally(() => answered = true);
    answer.catch(() => {});
    try {
      for await (const frame of frames) {
        if (answered) break;
        await this.#send(frame);
      }
      if (!answered) {
        sent = true;
        await this.#send(message(MESSAGE.copyDone));
      }
    } catch (error) {
      // Of two errors the server's says more than that it then closed the connection.
      if (this.#failure !== undefined) await this.#settled(answer);
      else await this.#copyFailed(error, answer);
      this.#fail(error);
      throw error;
    }
    await this.#guarded(answer);
    return tag;
  }

  /** Ends the session; a statement that still runs is cancelled first. */
  async close(): Promise<void> {
    if (!this.#closed) {
      if (this.#busy) this.#cancel();
      else await this.#farewell();
      this.#end();
    }
    await this.#cancelling;
  }

  /** Tells the server to forget the rows, and waits until it has. */
  async #copyFailed(error: unknown, answer: Promise<void>): Promise<void> {
    const reason = encodeCString(messageOf(error).replaceAll("\0", ""));
    await this.#send(message(MESSAGE.copyFail, reason));
    await answer.catch(() => {});
  }

  /** Throws the server's error, if that comes soon. */
  async #settled(answer: Promise<void>): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = new Promise<void>((resolve) => timer = setTimeout(resolve, 500));
    try {
      await Promise.race([answer, soon]);
    } catch (error) {
      if (error instanceof PostgresError) throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  async #farewell(): Promise<void> {
    try {
      await this.#send(message(MESSAGE.terminate));
    } catch {
      // Who is gone needs no farewell.
    }
  }

  /** The statement has ended. */
  #idle(): void {
    this.#busy = false;
    this.#watchdog.rest();
  }

  #end(): void {
    this.#closed = true;
    this.#watchdog.stop();
    this.socket.close();
  }

  /** Makes everything that waits reject with `error`. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#end();
  }

  async #login(): Promise<void> {
    await this.#begin(loginMessage(this.config));
    const authentication = new Authentication(this.config, this.socket.certificate);
    for (;;) {
      const [type, body] = await this.#answer();
      if (type === MESSAGE.ready) break;
      if (type === MESSAGE.backendKey) {
        this.#key = { pid: body.view.getInt32(0), secret: body.view.getInt32(4) };
      } else if (type === MESSAGE.authentication) {
        const reply = await authentication.answer(body);
        if (reply !== undefined) await this.#send(reply);
      } else if (type !== MESSAGE.negotiate) this.#unexpected(type);
    }
    this.password = authentication.password;
    this.#idle();
  }

  /** A refused login as one clear error. */
  #refusal(error: unknown): unknown {
    if (error instanceof PostgresError) {
      return new ConnectionError(
        `Cannot log in to PostgreSQL at "${this.#where}": ${error.message}`,
        { cause: error },
      );
    }
    if (error instanceof ConnectionError && !error.message.startsWith("Cannot")) {
      return new ConnectionError(
        `Cannot log in to PostgreSQL at "${this.#where}": ${error.message}`,
      );
    }
    return error;
  }

  async #begin(...messages: Uint8Array[]): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#busy) throw new ConnectionError("the connection is in use by another statement");
    this.#busy = true;
    for (const bytes of messages) await this.#send(bytes);
  }

  async #send(bytes: Uint8Array): Promise<void> {
    try {
      await this.#guarded(this.socket.write(bytes));
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** More bytes into the input; an end of the connection here is always too early. */
  async #receive(timed = true): Promise<void> {
    let more: boolean;
    try {
      const filled = this.#input.fill();
      more = timed ? await this.#guarded(filled) : await filled;
    } catch (error) {
      throw this.#failed(error);
    }
    if (!more) throw this.#failed(undefined);
  }

  #failed(error: unknown): unknown {
    if (this.#failure === undefined) {
      this.#fail(error instanceof DXTError ? error : connectionLost(this.#where, error));
    }
    return this.#failure;
  }

  /** Waits for `work`, and gives the session up when the server stays silent. */
  async #guarded<T>(work: Promise<T>): Promise<T> {
    try {
      return await this.#watchdog.wait(work);
    } catch (error) {
      throw this.#failure ?? error;
    }
  }

  #silent(): void {
    // It may be busy with what nobody waits for any more.
    this.#cancel();
    this.#fail(
      new ConnectionError(
        `Cannot talk to PostgreSQL at "${this.#where}": the server was silent for ${this.config.inactivity_timeout} s (inactivity_timeout)`,
      ),
    );
  }

  /** The next message that is not a notice or the like. */
  async #answer(timed: () => boolean = () => true): Promise<[type: number, body: MessageBody]> {
    for (;;) {
      const next = this.#input.next();
      if (next === undefined) await this.#receive(timed());
      else if (!this.#handle(next.type, next.body)) return [next.type, next.body];
    }
  }

  /** Deals with messages that may come at any time; an error of the server ends the session. */
  #handle(type: number, body: MessageBody): boolean {
    switch (type) {
      case MESSAGE.notice:
      case MESSAGE.notification:
        return true;
      case MESSAGE.parameterStatus: {
        const [name, at] = readString(body.bytes, 0);
        this.parameters.set(name, readString(body.bytes, at)[0]);
        return true;
      }
      case MESSAGE.error: {
        const error = new PostgresError(parseReport(body), this.config.showValues);
        this.#fail(error);
        throw error;
      }
      default:
        return false;
    }
  }

  async #untilReady(
    take: (type: number, body: MessageBody) => void,
    timed?: () => boolean,
  ): Promise<void> {
    for (;;) {
      const [type, body] = await this.#answer(timed);
      if (type === MESSAGE.ready) break;
      take(type, body);
    }
    this.#idle();
  }

  #unexpected(type: number, body: MessageBody = bodyOf(new Uint8Array())): never {
    const tag = type === MESSAGE.commandComplete ? ` (${readString(body.bytes, 0)[0]})` : "";
    const error = new ConnectionError(
      `Cannot talk to PostgreSQL at "${this.#where}": message "${
        String.fromCharCode(type)
      }"${tag} came out of turn`,
    );
    this.#fail(error);
    throw error;
  }

  /** Asks the server to stop; `close` waits until that was sent. */
  #cancel(): void {
    if (this.#key !== undefined) this.#cancelling = cancelStatement(this.config, this.#key);
  }
}

/** The server's major version; not a number of a server that tells none. */
export function versionOf({ parameters }: Pick<Session, "parameters">): number {
  return parseInt(parameters.get("server_version") ?? "", 10);
}
