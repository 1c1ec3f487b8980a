/** Received bytes. */
import type { ByteSocket } from "./socket.ts";

/** Room for bytes; it grows for a longer message and shrinks again after it. */
const CAPACITY = 256 * 1024;
/** Bytes behind those that are filled, so that values can be copied eight bytes at a time. */
export const SLACK = 8;

/**
 * Bytes of a connection, to be read in place. A protocol extends it: it finds its messages between `start`
 * and `end`, moves `start` behind those that it has read, and says how long the next one is.
 */
export abstract class ReceiveBuffer {
  bytes = new Uint8Array(CAPACITY + SLACK);
  view = new DataView(this.bytes.buffer);
  /** End of the received bytes. */
  end = 0;
  /** Beginning of the next message. */
  protected start = 0;

  constructor(private readonly socket: Pick<ByteSocket, "read">) {}

  /** Size of the message that begins at `start`, as far as received bytes show it; at least its header. */
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
