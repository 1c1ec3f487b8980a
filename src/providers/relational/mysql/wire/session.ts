/**
 * An own connection to the server. Measured before it was written: the client library makes objects of
 * rows, three to six times slower than columns, and waits for ever when its connection is killed. Here the
 * server's closing packet alone ends a result, every wait is bounded, and an abort kills the statement.
 *
 * Protocol: https://dev.mysql.com/doc/dev/mysql-server/latest/PAGE_PROTOCOL.html
 */
import { ConnectionError, DXTError, messageOf } from "../../../../core/errors.ts";
import { formatAddress } from "../../../transport/address.ts";
import { IdleTimeout } from "../../../transport/idle_timeout.ts";
import { CAPABILITY, continueLogin, loginPacket, provePassword } from "./login.ts";
import { type OpenServer, openServer, type ServerKeys } from "./open_server.ts";
import {
  ANSWER,
  COMMAND,
  command,
  decode,
  framesOf,
  HEADER,
  PacketBuffer,
  parseColumn,
  parseEOF,
  parseOK,
  PayloadReader,
  putHeader,
  type ResultColumn,
  type StatementEnd,
} from "./packets.ts";
import { RowStream } from "./row_stream.ts";
import { connectionLost, MySQLError, parseError } from "./server_error.ts";

/** The keys of a connection that a session needs. */
export interface SessionConfig extends ServerKeys {
  readonly user: string;
  readonly password?: string | undefined;
  readonly database?: string | undefined;
  readonly inactivity_timeout: number;
  readonly allow_public_key_retrieval: boolean;
  /** Whether errors may quote keys. */
  readonly showValues: boolean;
}

export interface QueryResult extends StatementEnd {
  readonly columns: readonly ResultColumn[];
  /** Values in the server's text format. */
  readonly rows: (string | null)[][];
}

/** What a session is for. */
export interface SessionOptions {
  /** It loads: the server may ask for a file, which is ours. */
  readonly localFiles?: boolean;
  /** It kills the statement of another session; its own statement is killed by none. */
  readonly isKiller?: boolean;
}

/** Bytes of a file that are sent as one packet: less than a frame. */
const FILE_PIECE = 8 * 1024 * 1024;

/** Milliseconds that killing a statement may take. */
const KILL_TIMEOUT = 3000;

/**
 * What holds in each session. Text is utf8mb4 and times are UTC. No value is changed in silence: modes are
 * strict, zero is no number to be replaced, backslashes escape as in our literals. No result is cut
 * short, and the server waits for a stage that is slow.
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
  readonly #input: PacketBuffer;
  readonly #where: string;
  readonly #watchdog: IdleTimeout;
  #busy = false;
  #failure: unknown;
  #closed = false;
  #killing: Promise<void> = Promise.resolve();
  /** Our own LOAD DATA is running: its question for a file, and no other, is answered. */
  #isLoading = false;

  private constructor(
    readonly config: SessionConfig,
    private readonly server: OpenServer,
    private readonly options: SessionOptions,
  ) {
    this.#input = new PacketBuffer(server.socket);
    this.#input.sequence = server.sequence;
    this.#where = formatAddress(config);
    this.#watchdog = new IdleTimeout(config.inactivity_timeout * 1000, () => this.#silent());
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
    const timer = setTimeout(
      () =>
        session.#fail(
          new ConnectionError(
            `Cannot connect to MySQL at "${session.#where}": no answer to the login within ${config.connect_timeout} s (connect_timeout)`,
          ),
        ),
      config.connect_timeout * 1000,
    );
    const release = session.abortedBy(signal);
    try {
      await session.#login();
      await session.query(SETTINGS);
    } catch (error) {
      session.#end();
      throw session.#refusal(error);
    } finally {
      clearTimeout(timer);
      release();
    }
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
    return !this.#closed && !this.#busy;
  }

  /** Ends the session when the signal says so; returns what undoes that. */
  abortedBy(signal: AbortSignal | undefined): () => void {
    if (signal === undefined) return () => {};
    const abort = () => {
      if (this.#busy) this.#kill();
      this.#fail(signal.reason);
    };
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    return () => signal.removeEventListener("abort", abort);
  }

  /** Runs a statement without parameters. @throws {MySQLError} what the server says against it */
  async query(sql: string | Uint8Array): Promise<QueryResult> {
    await this.#begin(command(COMMAND.query, sql));
    const first = await this.#answer();
    if (first[0] === ANSWER.ok) return { columns: [], rows: [], ...this.#ended(parseOK(first)) };
    const columns = await this.#columns(columnCount(first));
    const rows: (string | null)[][] = [];
    for (;;) {
      const payload = await this.#answer(columns.length > 0);
      if (this.#isEnd(payload)) return { columns, rows, ...this.#ended(this.#parseEnd(payload)) };
      const reader = new PayloadReader(payload);
      rows.push(columns.map(() => {
        const bytes = reader.lengthBytes();
        return bytes === undefined ? null : decode(bytes);
      }));
    }
  }

  /** The columns that a statement would return, without running it. */
  async describe(sql: string): Promise<ResultColumn[]> {
    const { id, columns } = await this.#prepare(sql);
    await this.#closeStatement(id);
    return columns;
  }

  /** Runs a statement that returns rows, in the binary format. */
  async stream(sql: string): Promise<RowStream> {
    const { id } = await this.#prepare(sql);
    // No cursor, run once, no parameters.
    const argument = new Uint8Array(9);
    new DataView(argument.buffer).setUint32(0, id, true);
    argument[5] = 1;
    await this.#begin(command(COMMAND.execute, argument));
    const first = await this.#answer();
    if (first[0] === ANSWER.ok) {
      this.#idle();
      throw new ConnectionError("the statement returned no rows");
    }
    const columns = await this.#columns(columnCount(first));
    return new RowStream(
      columns,
      this.#input,
      () => this.#receive(),
      (payload) => this.#takeEnd(payload, id),
      (error) => this.#malformed(error),
    );
  }

  /**
   * Runs a LOAD DATA LOCAL INFILE and sends these bytes for its file. Each chunk has
   * {@linkcode HEADER} free bytes at its front.
   */
  async load(sql: string, chunks: AsyncIterable<Uint8Array>): Promise<StatementEnd> {
    if (!this.options.localFiles) throw new TypeError("the session was not opened to load");
    await this.#begin(command(COMMAND.query, sql));
    this.#isLoading = true;
    try {
      const first = await this.#answer();
      if (first[0] !== ANSWER.localFile) {
        throw this.#outOfTurn("the server did not ask for the rows");
      }
      let sequence = this.#input.sequence;
      for await (const chunk of chunks) {
        // Of a chunk beyond a frame the header of each piece takes the place of bytes that were sent.
        for (let from = 0; from < chunk.length - HEADER; from += FILE_PIECE) {
          const piece = chunk.subarray(from, from + FILE_PIECE + HEADER);
          putHeader(piece, piece.length - HEADER, sequence);
          await this.#send(piece);
          sequence = (sequence + 1) & 0xff;
        }
      }
      await this.#send(framesOf(new Uint8Array(), sequence));
      this.#input.sequence = (sequence + 1) & 0xff;
    } catch (error) {
      // An empty packet would end the file as if it were whole: only the end of the connection says
      // that it is not.
      if (!(error instanceof MySQLError)) this.#fail(error);
      throw this.#failure ?? error;
    } finally {
      this.#isLoading = false;
    }
    return this.#ended(parseOK(await this.#answer()));
  }

  /** Ends the session; a statement that still runs is killed first. */
  async close(): Promise<void> {
    if (!this.#closed) {
      if (this.#busy) this.#kill();
      else await this.#farewell();
      this.#end();
    }
    await this.#killing;
  }

  async #prepare(sql: string): Promise<{ id: number; columns: ResultColumn[] }> {
    await this.#begin(command(COMMAND.prepare, sql));
    const reader = new PayloadReader(await this.#answer(), 1);
    const id = reader.uint32();
    const columnCount = reader.uint16();
    const parameterCount = reader.uint16();
    if (parameterCount > 0) await this.#columns(parameterCount);
    const columns = columnCount > 0 ? await this.#columns(columnCount) : [];
    this.#idle();
    return { id, columns };
  }

  /** The server does not answer it. */
  async #closeStatement(id: number): Promise<void> {
    const argument = new Uint8Array(4);
    new DataView(argument.buffer).setUint32(0, id, true);
    await this.#send(framesOf(command(COMMAND.closeStatement, argument), 0));
  }

  async #columns(count: number): Promise<ResultColumn[]> {
    const columns: ResultColumn[] = [];
    while (columns.length < count) columns.push(parseColumn(await this.#answer()));
    if (!this.#deprecatesEOF) {
      const payload = await this.#answer(true);
      if (!this.#isEnd(payload)) throw this.#outOfTurn("the columns have no end");
    }
    return columns;
  }

  get #deprecatesEOF(): boolean {
    return (this.server.capabilities & CAPABILITY.deprecateEOF) !== 0;
  }

  /** Whether a packet in place of a row ends the rows. A row may begin so, and is longer then. */
  #isEnd(payload: Uint8Array): boolean {
    return payload[0] === ANSWER.end && payload.length < (this.#deprecatesEOF ? 0xff_ff_ff : 9);
  }

  #parseEnd(payload: Uint8Array): StatementEnd {
    return this.#deprecatesEOF ? parseOK(payload) : parseEOF(payload);
  }

  /** The end of a stream of rows, which the server calls complete. */
  async #takeEnd(payload: Uint8Array, id: number): Promise<StatementEnd> {
    if (payload[0] === ANSWER.error) throw this.#refused(payload);
    if (!this.#isEnd(payload)) throw this.#outOfTurn(`a packet of kind ${payload[0]} came`);
    const end = this.#ended(this.#parseEnd(payload));
    await this.#closeStatement(id);
    return end;
  }

  #ended(end: StatementEnd): StatementEnd {
    if (end.hasMore) throw this.#outOfTurn("a second result came");
    this.#idle();
    return end;
  }

  async #farewell(): Promise<void> {
    try {
      await this.#send(framesOf(command(COMMAND.quit), 0));
    } catch {
      // A server that is gone needs no farewell.
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
    this.server.socket.close();
  }

  /** Makes everything that waits reject with `error`. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#end();
  }

  async #login(): Promise<void> {
    this.#busy = true;
    const { user, password = "", database } = this.config;
    let { plugin, challenge } = this.server.greeting;
    const isKnown = /^(mysql_native|caching_sha2)_password$/.test(plugin);
    const first = isKnown ? plugin : "mysql_native_password";
    await this.#reply(
      loginPacket(
        this.server.capabilities,
        { user, database },
        first,
        provePassword(first, password, challenge),
      ),
    );
    plugin = first;
    let payload = await this.#answer();
    while (payload[0] !== ANSWER.ok) {
      if (payload[0] === ANSWER.end) {
        const reader = new PayloadReader(payload, 1);
        plugin = payload.length === 1 ? "mysql_old_password" : decode(reader.untilZero());
        const rest = reader.rest();
        challenge = rest.at(-1) === 0 ? rest.slice(0, -1) : rest.slice();
        await this.#reply(provePassword(plugin, password, challenge));
        payload = await this.#answer();
      } else if (payload[0] === 1) {
        payload = await continueLogin(plugin, password, challenge, payload.subarray(1), {
          isPrivate: this.server.socket.certificate !== undefined || this.config.path !== undefined,
          trustsPublicKey: this.config.allow_public_key_retrieval,
          ask: async (question) => {
            if (question !== undefined) await this.#reply(question);
            return await this.#answer();
          },
        });
      } else throw this.#outOfTurn("the login has no such answer");
    }
    this.#idle();
  }

  /** A refused login as one clear error. */
  #refusal(error: unknown): unknown {
    const isClear = error instanceof DXTError && /^Cannot (connect|talk)/.test(error.message);
    if (!(error instanceof DXTError) || isClear) return error;
    return new ConnectionError(`Cannot log in to MySQL at "${this.#where}": ${error.message}`, {
      cause: error,
    });
  }

  async #begin(payload: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#busy) throw new ConnectionError("the connection is in use by another statement");
    this.#busy = true;
    this.#input.sequence = 0;
    await this.#reply(payload);
  }

  /** Sends a payload behind what was received of this exchange. */
  async #reply(payload: Uint8Array): Promise<void> {
    const { sequence } = this.#input;
    const frames = framesOf(payload, sequence);
    this.#input.sequence = (sequence + Math.floor(payload.length / 0xff_ff_ff) + 1) & 0xff;
    await this.#send(frames);
  }

  async #send(bytes: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#guarded(this.server.socket.write(bytes));
    } catch (error) {
      throw await this.#lastWord(error);
    }
  }

  /** The error that the server sent before it closed the connection, which says more than its end. */
  async #lastWord(error: unknown): Promise<unknown> {
    if (this.#failure === undefined && this.#busy) {
      try {
        const payload = this.#input.next() ??
          (await this.#input.fill() ? this.#input.next() : undefined);
        if (payload?.[0] === ANSWER.error) this.#fail(this.#refused(payload));
      } catch {
        // The first error stands.
      }
    }
    return this.#failed(error);
  }

  /** More bytes into the input; an end of the connection here is always too early. */
  async #receive(): Promise<void> {
    let more: boolean;
    try {
      more = await this.#guarded(this.#input.fill());
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
    // The statement may still run, and its result is not wanted any more.
    this.#kill();
    this.#fail(
      new ConnectionError(
        `Cannot talk to MySQL at "${this.#where}": the server was silent for ${this.config.inactivity_timeout} s (inactivity_timeout)`,
      ),
    );
  }

  /**
   * The next payload. An error of the server is thrown, and so is a question for a file that was not
   * ours to cause.
   *
   * @param inRows whether rows may come, which begin with any byte
   */
  async #answer(inRows = false): Promise<Uint8Array> {
    let payload: Uint8Array | undefined;
    try {
      while ((payload = this.#input.next()) === undefined) await this.#receive();
    } catch (error) {
      throw this.#malformed(error);
    }
    if (payload.length === 0) throw this.#outOfTurn("an empty packet came");
    if (payload[0] === ANSWER.error) throw this.#refused(payload);
    if (payload[0] === ANSWER.localFile && !inRows && !this.#isLoading) {
      throw this.#outOfTurn(
        `the server asks for the file "${
          decode(payload.subarray(1))
        }" of this machine, which it does not get`,
      );
    }
    return payload;
  }

  /** A server's error; the session is usable afterwards. */
  #refused(payload: Uint8Array): MySQLError {
    const error = new MySQLError(parseError(payload), this.config.showValues);
    this.#idle();
    return error;
  }

  #malformed(error: unknown): unknown {
    return error instanceof RangeError ? this.#outOfTurn(messageOf(error)) : error;
  }

  #outOfTurn(detail: string): unknown {
    return this.#failed(
      new ConnectionError(`Cannot talk to MySQL at "${this.#where}": ${detail}`),
    );
  }

  /** Kills the statement over a connection of its own; `close` waits until that was tried. */
  #kill(): void {
    if (!this.options.isKiller) {
      this.#killing = killStatement(this.config, this.server.greeting.connectionId);
    }
  }
}

/** A result begins with the number of its columns. */
function columnCount(payload: Uint8Array): number {
  return new PayloadReader(payload).length() ?? 0;
}

/** Stops what the server does for a connection. A request that fails is forgotten. */
async function killStatement(config: SessionConfig, connectionId: number): Promise<void> {
  try {
    const seconds = KILL_TIMEOUT / 1000;
    const session = await Session.open(
      {
        ...config,
        connect_timeout: seconds,
        inactivity_timeout: seconds,
      },
      undefined,
      { isKiller: true },
    );
    await session.query(`KILL QUERY ${connectionId}`).finally(() => session.close());
  } catch {
    // Forgotten, as said above: the connection itself is closed in any case.
  }
}
