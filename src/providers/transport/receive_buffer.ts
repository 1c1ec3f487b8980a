/** A buffer of received bytes, in which a protocol reads its messages in place. */
import type { ByteSocket } from "./socket.ts";

/** Room for bytes; it grows for a longer message and shrinks again after it. */
const CAPACITY = 256 * 1024;
/** Spare bytes at the end, so that values can be copied eight bytes at a time. */
export const SLACK = 8;

/**
 * The bytes of a connection. A protocol extends this class: it finds its messages between `start` and `end`,
 * moves `start` past those that it has read, and computes the size of the next one.
 */
export abstract class ReceiveBuffer {
  bytes = new Uint8Array(CAPACITY + SLACK);
  view = new DataView(this.bytes.buffer);
  /** End of the received bytes. */
  end = 0;
  /** Beginning of the next message. */
  protected start = 0;

  constructor(private readonly socket: Pick<ByteSocket, "read">) {}

  /** Size of the message at `start`, as far as the received bytes show it; at least that of a header. */
  protected abstract wanted(): number;

  /** Waits for more bytes; false when the connection has ended. */
  async fill(): Promise<boolean> {
    this.#makeRoom();
    const count = await this.socket.read(this.bytes.subarray(this.end, -SLACK));
    if (count === null) return false;
    this.end += count;
    return true;
  }

  /** Moves the beginning of a message to the front, into a buffer that holds all of it. */
  #makeRoom(): void {
    const held = this.end - this.start;
    const capacity = Math.max(CAPACITY, this.wanted());
    const room = this.bytes.length - SLACK;
    if (this.start + capacity <= room && this.end < room) return;
    if (capacity === room) {
      this.bytes.copyWithin(0, this.start, this.end);
    } else {
      const bytes = new Uint8Array(capacity + SLACK);
      bytes.set(this.bytes.subarray(this.start, this.end));
      this.bytes = bytes;
      this.view = new DataView(bytes.buffer);
    }
    this.start = 0;
    this.end = held;
  }
}
