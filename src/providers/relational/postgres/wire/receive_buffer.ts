/** Received bytes, and the messages in them. */
import type { MessageBody } from "./messages.ts";
import { bodyOf } from "./messages.ts";
import type { ByteSocket } from "./socket.ts";

/** Room for bytes; it grows for a longer message and shrinks again after it. */
const CAPACITY = 256 * 1024;
const HEADER = 5;
/** Bytes behind those that are filled, so that values can be copied eight bytes at a time. */
export const SLACK = 8;

/**
 * Messages are read in place: `find` finds the next one that is there as a whole, and tells its type
 * and where its body is in `bytes`, until `skip` and `fill`.
 */
export class ReceiveBuffer {
  bytes = new Uint8Array(CAPACITY + SLACK);
  view = new DataView(this.bytes.buffer);
  type = 0;
  from = 0;
  to = 0;
  #start = 0;
  #end = 0;

  constructor(private readonly socket: Pick<ByteSocket, "read">) {}

  find(): boolean {
    if (this.#end - this.#start < HEADER) return false;
    const length = this.view.getInt32(this.#start + 1);
    if (length < 4) throw new RangeError("the server sent a message shorter than its own length");
    const to = this.#start + 1 + length;
    if (to > this.#end) return false;
    this.type = this.bytes[this.#start]!;
    this.from = this.#start + HEADER;
    this.to = to;
    return true;
  }

  /** Where the bytes that are there end. */
  get end(): number {
    return this.#end;
  }

  /** Goes on behind the message that was found, or where a later one begins. */
  skip(to = this.to): void {
    this.#start = to;
  }

  /** The next message with a copy of its body; undefined when it is not there as a whole. */
  next(): { type: number; body: MessageBody } | undefined {
    if (!this.find()) return undefined;
    const found = { type: this.type, body: bodyOf(this.bytes.slice(this.from, this.to)) };
    this.skip();
    return found;
  }

  /** Waits for more bytes; false when the connection has ended. */
  async fill(): Promise<boolean> {
    this.#makeRoom();
    const count = await this.socket.read(this.bytes.subarray(this.#end, -SLACK));
    if (count === null) return false;
    this.#end += count;
    return true;
  }

  /** Moves the beginning of a message to the front, into a buffer that holds all of it. */
  #makeRoom(): void {
    const held = this.#end - this.#start;
    const wanted = held < HEADER ? HEADER : 1 + this.view.getInt32(this.#start + 1);
    const capacity = Math.max(CAPACITY, wanted);
    const room = this.bytes.length - SLACK;
    if (this.#start + capacity <= room && this.#end < room) return;
    if (capacity === room) {
      this.bytes.copyWithin(0, this.#start, this.#end);
    } else {
      const bytes = new Uint8Array(capacity + SLACK);
      bytes.set(this.bytes.subarray(this.#start, this.#end));
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer);
    }
    this.#start = 0;
    this.#end = held;
  }
}
