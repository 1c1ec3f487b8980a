/** Messages over a connection: sends those of a statement, and receives what the server answers. */
import type { GuardedConnection } from "../../../transport/guarded_connection.ts";
import type { MessageBuffer } from "./message_buffer.ts";
import { bodyOf, MESSAGE, type MessageBody, parseReport, readString } from "./messages.ts";
import { PostgresError } from "./server_error.ts";

/** A message that was received. */
export type Message = readonly [type: number, body: MessageBody];

export class MessageChannel {
  /** Settings that the server reports, for example `server_version`. */
  readonly parameters = new Map<string, string>();

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
   * The next message that is not a notice or the like.
   *
   * @param isTimed whether the server has reason to send one
   * @throws {PostgresError} which ends the connection
   */
  async receive(isTimed: () => boolean = () => true): Promise<Message> {
    for (;;) {
      if (!this.find()) {
        await this.connection.receive(this.input, isTimed());
        continue;
      }
      const { type, body } = this.input.next()!;
      if (!this.takesAside(type, body)) return [type, body];
    }
  }

  /** Whether a message was received whole; it is the next of `input`. */
  find(): boolean {
    try {
      return this.input.find();
    } catch (error) {
      throw this.connection.explain(error);
    }
  }

  /** Takes messages that may come at any time, and returns whether this is one of them. */
  takesAside(type: number, body: MessageBody): boolean {
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
        this.connection.fail(error);
        throw error;
      }
      default:
        return false;
    }
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

  /** Ends the connection to a server that sends a message which has no place here. */
  refuse(type: number, body: MessageBody = bodyOf(new Uint8Array())): never {
    const tag = type === MESSAGE.commandComplete ? ` (${readString(body.bytes, 0)[0]})` : "";
    throw this.connection.refuse(
      `message "${String.fromCharCode(type)}"${tag} came out of turn`,
    );
  }
}
