/** Finds messages of PostgreSQL's protocol in the received bytes. */
import { ReceiveBuffer } from "../../../transport/receive_buffer.ts";
import { type MessageBody, viewBody } from "./messages.ts";

/** Type and length. */
const HEADER = 5;

/**
 * A buffer whose messages are read in place. `find` finds the next complete one and sets its type and the
 * bounds of its body in `bytes`, which are valid until `skip` and `fill`.
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

  /** Moves past the message that was found, or to the start of a later one. */
  skip(to = this.to): void {
    this.start = to;
  }

  /** Returns the next message with a copy of its body; undefined if it was not received completely. */
  next(): { type: number; body: MessageBody } | undefined {
    if (!this.find()) return undefined;
    const found = { type: this.type, body: viewBody(this.bytes.slice(this.from, this.to)) };
    this.skip();
    return found;
  }

  protected override wanted(): number {
    if (this.end - this.start < HEADER) return HEADER;
    return 1 + this.view.getInt32(this.start + 1);
  }
}
