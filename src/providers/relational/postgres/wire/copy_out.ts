/** The receiving end of a COPY TO STDOUT. */
import type { MessageBuffer } from "./message_buffer.ts";
import type { MessageChannel } from "./message_channel.ts";
import { MESSAGE, readString, viewBody } from "./messages.ts";

/** Rows of a COPY TO STDOUT as they come. */
export class CopyOut {
  /** The command tag, once the server has sent it. */
  tag: string | undefined;

  constructor(private readonly channel: MessageChannel) {}

  /**
   * Calls `onRow` for each received row, with the input and the row's place in it, until it returns false.
   * Waits if no row was received.
   *
   * @returns false when the server has said that these were all
   */
  async read(onRow: (input: MessageBuffer, from: number, to: number) => boolean): Promise<boolean> {
    const { channel } = this;
    const { connection, input } = channel;
    for (let rows = 0;;) {
      while (channel.find()) {
        const { type, from, to } = input;
        input.skip();
        if (type === MESSAGE.copyData) {
          rows++;
          if (!onRow(input, from, to)) return true;
        } else if (type === MESSAGE.ready) {
          connection.endStatement();
          return false;
        } else if (type === MESSAGE.commandComplete) {
          this.tag = readString(input.bytes.subarray(0, to), from)[0];
        } else if (type !== MESSAGE.copyDone) {
          channel.handleAside(type, viewBody(input.bytes.slice(from, to)));
        }
      }
      if (rows > 0) return true;
      await connection.receive(input);
    }
  }
}
