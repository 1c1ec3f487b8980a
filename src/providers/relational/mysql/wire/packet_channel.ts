/** The packets of a connection: sends statements, and receives the server's answers. */
import type { GuardedConnection } from "../../../transport/guarded_connection.ts";
import { CAPABILITY } from "./greeting.ts";
import {
  ANSWER,
  decode,
  framePayload,
  LONGEST_FRAME,
  type PacketBuffer,
  parseColumn,
  parseEOF,
  parseOK,
  type ResultColumn,
  type StatementEnd,
} from "./packets.ts";
import { MySQLError, parseError } from "./server_error.ts";

/** A packet that begins like an EOF packet is one if it has fewer bytes. */
const LONGEST_EOF = 9;

export class PacketChannel {
  /** Set while our own LOAD DATA runs: only then may the server ask for a file. */
  mayAskForFile = false;
  /** The server ends rows by an OK packet, not by EOF packets. */
  readonly #deprecatesEOF: boolean;

  /**
   * @param capabilities those that client and server share
   * @param showValues whether errors may quote keys
   */
  constructor(
    readonly connection: GuardedConnection,
    readonly input: PacketBuffer,
    capabilities: number,
    private readonly showValues: boolean,
  ) {
    this.#deprecatesEOF = (capabilities & CAPABILITY.deprecateEOF) !== 0;
  }

  /** Begins a statement. */
  async begin(payload: Uint8Array): Promise<void> {
    this.connection.beginStatement();
    this.input.sequence = 0;
    await this.reply(payload);
  }

  /** Sends a payload with the next sequence number of this exchange. */
  async reply(payload: Uint8Array): Promise<void> {
    const { sequence } = this.input;
    const frames = framePayload(payload, sequence);
    this.input.sequence = (sequence + Math.floor(payload.length / LONGEST_FRAME) + 1) & 0xff;
    await this.send(frames);
  }

  /** Sends complete frames. */
  async send(frames: Uint8Array): Promise<void> {
    await this.connection.send(frames, () => this.receive(true));
  }

  /**
   * Returns the next payload.
   *
   * @param inRows whether it may be a row, which can begin with any byte
   * @throws {MySQLError} an error of the server, which leaves the connection usable
   */
  async receive(inRows = false): Promise<Uint8Array> {
    while (!this.find()) await this.connection.receive(this.input);
    const payload = this.input.next()!;
    if (payload.length === 0) throw this.connection.refuse("an empty packet came");
    if (payload[0] === ANSWER.error) throw this.#readError(payload);
    if (payload[0] === ANSWER.localFile && !inRows && !this.mayAskForFile) {
      throw this.connection.refuse(
        `the server asks for the file "${
          decode(payload.subarray(1))
        }" of this machine, which it does not get`,
      );
    }
    return payload;
  }

  /** Whether the next packet of `input` was received completely. */
  find(): boolean {
    try {
      return this.input.find();
    } catch (error) {
      throw this.connection.explain(error);
    }
  }

  async receiveColumns(count: number): Promise<ResultColumn[]> {
    const columns: ResultColumn[] = [];
    while (columns.length < count) columns.push(this.parse(parseColumn, await this.receive()));
    if (!this.#deprecatesEOF && !this.isEnd(await this.receive(true))) {
      throw this.connection.refuse("no end packet follows the columns");
    }
    return columns;
  }

  /** Whether a packet ends the rows. A row may begin with the same byte, but is longer. */
  isEnd(payload: Uint8Array): boolean {
    return payload[0] === ANSWER.end &&
      payload.length < (this.#deprecatesEOF ? LONGEST_FRAME : LONGEST_EOF);
  }

  /** Ends a statement by the packet after its rows, which says that they are complete. */
  endRows(payload: Uint8Array): StatementEnd {
    if (!this.isEnd(payload)) {
      throw this.connection.refuse(`a packet of kind ${payload[0]} came`);
    }
    return this.#end(this.parse(this.#deprecatesEOF ? parseOK : parseEOF, payload));
  }

  /** Ends a statement by its OK packet. */
  endByOK(payload: Uint8Array): StatementEnd {
    return this.#end(this.parse(parseOK, payload));
  }

  /** Parses a payload; a truncated one ends the connection. */
  parse<T>(parser: (payload: Uint8Array) => T, payload: Uint8Array): T {
    try {
      return parser(payload);
    } catch (error) {
      throw this.connection.explain(error);
    }
  }

  #end(end: StatementEnd): StatementEnd {
    if (end.hasMore) throw this.connection.refuse("a second result came");
    this.connection.endStatement();
    return end;
  }

  #readError(payload: Uint8Array): MySQLError {
    const error = new MySQLError(this.parse(parseError, payload), this.showValues);
    this.connection.endStatement();
    return error;
  }
}
