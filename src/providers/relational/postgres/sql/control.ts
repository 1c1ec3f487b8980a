/**
 * Control queries with parameters over npm:postgres, for queries outside the transaction of a load or an
 * extraction (`wire/session.ts`), or while that session waits. This module restrains the client. While a
 * server closes connections before the login ends, the client reconnects without a pause. After a lost
 * connection it hung, or gave the old error to the next statement. So each client here has one connection,
 * and a new client replaces a lost one. The client has no timeout for a silent server, so we destroy its
 * socket. It reads PG* variables unless its options are complete.
 */
import type { Socket } from "node:net";
import type { Sql } from "postgres";
import type { ControlRow } from "../../../../core/contracts/connector.ts";
import { ConnectionError, DXTError, messageOf } from "../../../../core/errors.ts";
import { formatAddress } from "../config.ts";
import { lostConnection } from "../../../transport/guarded_connection.ts";
import { isLoginFailure, PostgresError } from "../wire/server_error.ts";
import type { SessionConfig } from "../wire/session.ts";
import { searchPath } from "./session_settings.ts";
import { openStream } from "../wire/open_socket.ts";

/** Parsers by type: numbers that a double can hold become numbers; other types keep the server's text. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  16: (text) => text === "t",
  17: (text) => Uint8Array.fromHex(text.slice(2)),
  20: BigInt,
  21: Number,
  23: Number,
  26: Number,
  700: Number,
  701: Number,
};

const SERIALIZERS: Readonly<Record<number, (value: unknown) => string>> = {
  16: (value) => value === true ? "t" : value === false ? "f" : String(value),
  17: (value) => value instanceof Uint8Array ? `\\x${value.toHex()}` : String(value),
};

type Connect = typeof import("postgres");

/** Longest time for the client's farewell, in seconds. */
const FAREWELL = 1;

/** A client with one connection, opened on first use and again after a loss. Most runs need none. */
export class ControlClient {
  #client: Sql | undefined;
  #socket: Socket | undefined;
  readonly #abort = () => this.#socket?.destroy(this.#reason());

  constructor(private readonly config: SessionConfig, private readonly signal: AbortSignal) {
    signal.addEventListener("abort", this.#abort);
  }

  async query(sql: string, params: readonly unknown[]): Promise<ControlRow[]> {
    this.config.trace?.(sql);
    // Loading the client takes 50 ms, 30 of them CPU.
    const { default: connect } = await import("postgres");
    const rows = this.#open(connect).unsafe(sql, params as never[]);
    return [...await this.#clear(this.#guarded(rows))] as ControlRow[];
  }

  async close(): Promise<void> {
    this.signal.removeEventListener("abort", this.#abort);
    await this.#client?.end({ timeout: FAREWELL });
    this.#socket?.destroy();
  }

  #reason(): Error {
    return new ConnectionError(`Cannot talk to PostgreSQL: ${messageOf(this.signal.reason)}`);
  }

  /** Ends the connection when a statement gets no answer for too long. */
  async #guarded<T>(work: PromiseLike<T>): Promise<T> {
    const { inactivity_timeout: seconds } = this.config;
    const timer = setTimeout(() => {
      this.#socket?.destroy(
        new ConnectionError(
          `Cannot talk to PostgreSQL at "${
            formatAddress(this.config)
          }": the server was silent for ${seconds} s (inactivity_timeout)`,
          { transient: true },
        ),
      );
    }, seconds * 1000);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
    }
  }

  async #clear<T>(work: Promise<T>): Promise<T> {
    this.signal.throwIfAborted();
    try {
      return await work;
    } catch (error) {
      const clear = clearError(error, this.config);
      if (clear instanceof ConnectionError) this.#discard(this.#client);
      throw this.signal.aborted ? this.signal.reason : clear;
    }
  }

  #open(connect: Connect): Sql {
    if (this.#client === undefined) {
      const client: Sql = connect(this.#options(() => this.#discard(client)) as never);
      this.#client = client;
    }
    return this.#client;
  }

  /** Lets go of a client whose connection is lost. */
  #discard(client: Sql | undefined): void {
    if (client === undefined || client !== this.#client) return;
    this.#client = undefined;
    this.#socket?.destroy();
    client.end({ timeout: 0 }).catch(() => {});
  }

  /** Opens the one connection of a client. */
  #opener(): () => Promise<Socket> {
    let opened = false;
    return async () => {
      if (opened) {
        throw lostConnection({ system: "PostgreSQL", address: formatAddress(this.config) });
      }
      opened = true;
      this.#socket = await openStream(this.config);
      return this.#socket;
    };
  }

  /** The client's options as it has them after it has filled in its defaults. */
  #options(onclose: () => void) {
    const { host, port, user, password = "", database = user, schema } = this.config;
    const { application_name, options, connect_timeout } = this.config;
    return {
      host: [host],
      port: [port],
      user,
      pass: password,
      database,
      max: 1,
      // The socket below has TLS already.
      ssl: false,
      sslnegotiation: null,
      socket: this.#opener(),
      idle_timeout: null,
      connect_timeout,
      max_lifetime: null,
      max_pipeline: 100,
      backoff: 0,
      keep_alive: 60,
      // Named statements get lost behind a pooler.
      prepare: false,
      debug: false,
      fetch_types: false,
      publications: "alltables",
      target_session_attrs: null,
      connection: {
        application_name,
        ...(options === undefined ? {} : { options }),
        ...(schema === undefined ? {} : { search_path: searchPath(schema) }),
      },
      types: {},
      onnotice: () => {},
      onclose,
      transform: { undefined: undefined, column: {}, value: {}, row: {} },
      parameters: {},
      shared: { retries: 0, typeArrayMap: {} },
      parsers: { ...PARSERS },
      serializers: { ...SERIALIZERS },
    };
  }
}

/** The client's errors as this provider's. */
function clearError(error: unknown, config: SessionConfig): unknown {
  if (error instanceof DXTError) return error;
  const fields = error as Record<string, string | undefined>;
  if (fields["severity"] === undefined) {
    const detail = fields["code"] === undefined ? "" : ` (${fields["code"]})`;
    if (!(error instanceof Error) || fields["code"] === undefined) return error;
    return new ConnectionError(
      `Cannot talk to PostgreSQL at "${formatAddress(config)}": ${messageOf(error)}${detail}`,
      { cause: error, transient: true },
    );
  }
  const failure = new PostgresError({
    severity: fields["severity"],
    code: fields["code"] ?? "XX000",
    message: messageOf(error),
    detail: fields["detail"],
    hint: fields["hint"],
    where: fields["where"],
    position: fields["position"],
    routine: fields["routine"],
  }, config.showValues);
  return isLoginFailure(failure.report)
    ? new ConnectionError(
      `Cannot talk to PostgreSQL at "${formatAddress(config)}": ${failure.message}`,
      { cause: failure },
    )
    : failure;
}
