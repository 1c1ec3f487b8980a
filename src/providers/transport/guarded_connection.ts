/**
 * A connection to a server, for the session of any protocol. It runs one statement at a time, bounds every
 * wait, keeps the first failure, and closes within seconds. README.md of this folder has the contract.
 */
import { ConnectionError, DXTError, messageOf } from "../../core/errors.ts";
import { IdleTimeout } from "./idle_timeout.ts";
import type { ReceiveBuffer } from "./receive_buffer.ts";
import type { ByteSocket } from "./socket.ts";

/** Longest time for a farewell, and for an interruption. */
export const ENDING_SECONDS = 3;
/** Milliseconds in which a server that closed the connection may say why. */
const LAST_WORD_MS = 500;

export interface GuardedOptions {
  /** Name of the system in messages. */
  readonly system: string;
  /** Address of the server in messages. */
  readonly address: string;
  /** Longest time for a login, in seconds. */
  readonly connect_timeout: number;
  /** Longest silence of the server during a wait, in seconds. */
  readonly inactivity_timeout: number;
  /**
   * Stops the running statement over another connection. Called at most once, before the connection is
   * closed. Its errors are ignored, and the signal aborts it after {@linkcode ENDING_SECONDS}.
   *
   * @param isSilent the server was silent too long: it may not hear that the connection is closed
   */
  interrupt?(signal: AbortSignal, isSilent: boolean): Promise<unknown>;
  /** Called when a wait has lasted three seconds, and again each time that it has doubled. */
  onLongWait?(): void;
}

/** Creates the error of a connection that ended before the server had answered. */
export function lostConnection(
  { system, address }: Pick<GuardedOptions, "system" | "address">,
  cause?: unknown,
): ConnectionError {
  const detail = cause instanceof Error && cause.message !== "" ? `, ${cause.message}` : "";
  return new ConnectionError(
    `Cannot talk to ${system} at "${address}": the connection was lost before the server had answered${detail}`,
    { cause, transient: true },
  );
}

export class GuardedConnection {
  readonly #timeout: IdleTimeout;
  #busy = false;
  #closed = false;
  #failure: unknown;
  /** Whether the message of the failure already names the connection. */
  #isBroken = false;
  #interruption: Promise<void> | undefined;

  constructor(
    private readonly socket: Pick<ByteSocket, "write" | "close">,
    private readonly options: GuardedOptions,
  ) {
    this.#timeout = new IdleTimeout(
      options.inactivity_timeout * 1000,
      () => this.#giveUp(),
      () => options.onLongWait?.(),
    );
  }

  /** The error that ended the connection; undefined while none has. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Whether it can run a statement. */
  get usable(): boolean {
    return !this.#closed && !this.#busy;
  }

  /**
   * Runs a login as the first statement, within `connect_timeout`. A login that fails ends the connection.
   *
   * @throws {ConnectionError} when the server refuses the login, or the password cannot be proven
   */
  async logIn(work: () => Promise<void>, signal?: AbortSignal): Promise<void> {
    const { system, address, connect_timeout } = this.options;
    const timer = setTimeout(() =>
      this.#break(
        new ConnectionError(
          `Cannot connect to ${system} at "${address}": no answer to the login within ${connect_timeout} s (connect_timeout)`,
          { transient: true },
        ),
      ), connect_timeout * 1000);
    const release = this.endOnAbort(signal);
    try {
      await work();
    } catch (error) {
      const isWhole = this.#isBroken || !(error instanceof DXTError);
      this.fail(error);
      throw isWhole ? error : new ConnectionError(
        `Cannot log in to ${system} at "${address}": ${error.message}`,
        { cause: error },
      );
    } finally {
      clearTimeout(timer);
      release();
    }
  }

  /** Ends the connection when the signal aborts; returns a function that undoes this. */
  endOnAbort(signal: AbortSignal | undefined): () => void {
    if (signal === undefined) return () => {};
    const abort = () => {
      this.#interrupt();
      this.#break(signal.reason);
    };
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    return () => signal.removeEventListener("abort", abort);
  }

  /** Reserves the connection for a statement. Called before its first message is sent. */
  beginStatement(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#busy) throw new ConnectionError("the connection is in use by another statement");
    this.#busy = true;
  }

  /** Frees the connection. Called after the last message of a statement was received. */
  endStatement(): void {
    this.#busy = false;
    this.#timeout.rest();
  }

  /**
   * @param lastWord receives the error that a server sent before it closed the connection, and throws it: it
   * says more than that the connection was lost
   */
  async send(bytes: Uint8Array, lastWord?: () => Promise<unknown>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await this.#timeout.wait(this.socket.write(bytes));
    } catch (error) {
      const canListen = this.#failure === undefined && this.#busy && lastWord !== undefined;
      if (canListen) {
        await limitWait(LAST_WORD_MS, lastWord).catch((serverError) => this.fail(serverError));
      }
      throw this.#lose(error);
    }
  }

  /**
   * Waits for more bytes; throws if the connection ends instead.
   *
   * @param isTimed whether the server owes a message, so that its silence is limited
   */
  async receive(input: Pick<ReceiveBuffer, "fill">, isTimed = true): Promise<void> {
    let hasMore: boolean;
    try {
      const filled = input.fill();
      hasMore = isTimed ? await this.#timeout.wait(filled) : await filled;
    } catch (error) {
      throw this.#lose(error);
    }
    if (!hasMore) throw this.#lose();
  }

  /** Waits for work whose receives are not timed, with the limit on silence from now on. */
  async wait<T>(work: Promise<T>): Promise<T> {
    try {
      return await this.#timeout.wait(work);
    } catch (error) {
      throw this.#failure ?? error;
    }
  }

  /** Ends the connection, so that all waits reject; returns the first error that ended it. */
  fail(error: unknown): unknown {
    this.#failure ??= error;
    this.#end();
    return this.#failure;
  }

  /** Ends the connection to a server that breaks its protocol. */
  refuse(detail: string, transient = false): unknown {
    const { system, address } = this.options;
    const message = `Cannot talk to ${system} at "${address}": ${detail}`;
    return this.#break(new ConnectionError(message, { transient }));
  }

  /** Calls {@linkcode refuse} if a parser found invalid bytes; returns other errors unchanged. */
  explain(error: unknown): unknown {
    return error instanceof RangeError ? this.refuse(messageOf(error)) : error;
  }

  /**
   * Ends the connection: interrupts the running statement, or sends the protocol's farewell.
   *
   * @param input if given, waits until the server has closed the connection, and so released its locks
   */
  async close(farewell: Uint8Array, input?: Pick<ReceiveBuffer, "fill">): Promise<void> {
    if (!this.#closed) {
      if (this.#busy) this.#interrupt();
      else {
        // A server that is gone needs no farewell.
        await limitWait(ENDING_SECONDS * 1000, async () => {
          await this.send(farewell);
          while (await input?.fill());
        }).catch(() => {});
      }
      this.#end();
    }
    await this.#interruption;
  }

  #break(error: unknown): unknown {
    this.#isBroken ||= this.#failure === undefined;
    return this.fail(error);
  }

  #lose(cause?: unknown): unknown {
    if (cause instanceof DXTError) return this.fail(cause);
    if (cause instanceof RangeError) return this.explain(cause);
    return this.#break(lostConnection(this.options, cause));
  }

  #giveUp(): void {
    // The statement may still run on the server.
    this.#interrupt(true);
    this.refuse(
      `the server was silent for ${this.options.inactivity_timeout} s (inactivity_timeout)`,
      true,
    );
  }

  #interrupt(isSilent = false): void {
    if (!this.#busy || this.#closed || this.options.interrupt === undefined) return;
    this.#interruption ??= limitWait(
      ENDING_SECONDS * 1000,
      (signal) => this.options.interrupt!(signal, isSilent),
    )
      // If it fails, the server ends the statement when it finds the connection closed.
      .then(() => {}, () => {});
  }

  #end(): void {
    this.#closed = true;
    this.#timeout.stop();
    this.socket.close();
  }
}

/** Waits at most this long for `work`, then aborts its signal and returns undefined. */
async function limitWait<T>(
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const controller = new AbortController();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      controller.abort();
      resolve(undefined);
    }, milliseconds);
  });
  try {
    return await Promise.race([work(controller.signal), late]);
  } finally {
    clearTimeout(timer);
  }
}
