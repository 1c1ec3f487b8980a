/** Messages of PostgreSQL's protocol in the bytes that were received. */
import { ReceiveBuffer } from "../../../transport/receive_buffer.ts";
import { bodyOf, type MessageBody } from "./messages.ts";

/** Type and length. */
const HEADER = 5;

/**
 * Messages are read in place: `find` finds the next one that is there as a whole, and tells its type
 * and where its body is in `bytes`, until `skip` and `fill`.
 */
export class MessageBuffer extends ReceiveBuffer {
  type = 0;
  from = 0;
  to = 0;

  find(): boolean {
    if (this.end - this.start < HEADER) return false;
    const length = this.view.getInt32(this.start + 1);
    if (length < 4) throw new RangeError("the server sent a message shorter than its own length");
    const to = this.start + 1 + length;
    if (to > this.end) return false;
    this.type = this.bytes[this.start]!;
    this.from = this.start + HEADER;
    this.to = to;
    return true;
  }

  /** Goes on behind the message that was found, or where a later one begins. */
  skip(to = this.to): void {
    this.start = to;
  }

  /** The next message with a copy of its body; undefined when it is not there as a whole. */
  next(): { type: number; body: MessageBody } | undefined {
    if (!this.find()) return undefined;
    const found = { type: this.type, body: bodyOf(this.bytes.slice(this.from, this.to)) };
    this.skip();
    return found;
  }

  protected override wanted(): number {
    if (this.end - this.start < HEADER) return HEADER;
    return 1 + this.view.getInt32(this.start + 1);
  }
}
