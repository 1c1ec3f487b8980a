/** The messages of a connection: sends statements, and receives the server's answers. */
import type { GuardedConnection } from "../../../transport/guarded_connection.ts";
import type { MessageBuffer } from "./message_buffer.ts";
import { MESSAGE, type MessageBody, parseReport, readString, viewBody } from "./messages.ts";
import { PostgresError } from "./server_error.ts";

/** A message that was received. */
export type Message = readonly [type: number, body: MessageBody];

export class MessageChannel {
  /** Settings that the server reports, for example `server_version`. */
  readonly parameters = new Map<string, string>();
  /** Whether the connection outlives an error of a statement: its transaction has a savepoint. */
  survives = false;
  /** The error of the running statement, until the server is ready for the next one. */
  #error: PostgresError | undefined;

  /** @param showValues whether errors may quote records and keys */
  constructor(
    readonly connection: GuardedConnection,
    readonly input: MessageBuffer,
    private readonly showValues: boolean,
  ) {}

  /** Begins a statement. */
  async begin(...messages: Uint8Array[]): Promise<void> {
    this.connection.beginStatement();
    for (const bytes of messages) await this.send(bytes);
  }

  async send(bytes: Uint8Array): Promise<void> {
    await this.connection.send(bytes, () => this.receive());
  }

  /**
   * Returns the next message that belongs to the statement, without notices and settings.
   *
   * @param isTimed whether the server owes a message, so that its silence is limited
   * @throws {PostgresError} an error of the server, which ends the connection unless that survives
   */
  async receive(isTimed: () => boolean = () => true): Promise<Message> {
    for (;;) {
      if (!this.find()) {
        await this.connection.receive(this.input, isTimed());
        continue;
      }
      const { type, body } = this.input.next()!;
      if (this.handleAside(type, body)) continue;
      if (type === MESSAGE.ready) this.#throwError();
      return [type, body];
    }
  }

  /** Whether the next message of `input` was received completely. */
  find(): boolean {
    try {
      return this.input.find();
    } catch (error) {
      throw this.connection.explain(error);
    }
  }

  /** Handles a message that may come at any time; returns whether this is one. */
  handleAside(type: number, body: MessageBody): boolean {
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
        const error = new PostgresError(parseReport(body), this.showValues);
        if (this.survives && error.report.severity === "ERROR") {
          this.#error ??= error;
          return true;
        }
        this.connection.fail(error);
        throw error;
      }
      default:
        return false;
    }
  }

  /** Throws the error of the statement that has just ended. */
  #throwError(): void {
    const error = this.#error;
    if (error === undefined) return;
    this.#error = undefined;
    this.connection.endStatement();
    throw error;
  }

  /** Passes messages to `take` until the server is ready for the next statement. */
  async receiveAll(
    take: (type: number, body: MessageBody) => void,
    isTimed?: () => boolean,
  ): Promise<void> {
    for (;;) {
      const [type, body] = await this.receive(isTimed);
      if (type === MESSAGE.ready) break;
      take(type, body);
    }
    this.connection.endStatement();
  }

  /** Ends the connection to a server that sends a message out of turn. */
  refuse(type: number, body: MessageBody = viewBody(new Uint8Array())): never {
    const tag = type === MESSAGE.commandComplete ? ` (${readString(body.bytes, 0)[0]})` : "";
    throw this.connection.refuse(
      `message "${String.fromCharCode(type)}"${tag} came out of turn`,
    );
  }
}
