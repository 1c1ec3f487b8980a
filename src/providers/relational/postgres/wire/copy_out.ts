/** The receiving end of a COPY TO STDOUT. */
import type { MessageBuffer } from "./message_buffer.ts";
import { bodyOf, MESSAGE, type MessageBody, readString } from "./messages.ts";

/** Rows of a COPY TO STDOUT as they come. */
export class CopyOut {
  /** The command tag, once the server has sent it. */
  tag: string | undefined;

  constructor(
    private readonly input: MessageBuffer,
    private readonly receive: () => Promise<void>,
    private readonly handle: (type: number, body: MessageBody) => boolean,
    private readonly done: () => void,
  ) {}

  /**
   * Gives the rows that have come, each with the input and where in it the row is, until `onRow`
   * returns false. Waits for more when there are none.
   *
   * @returns false when the server has said that these were all
   */
  async read(onRow: (input: MessageBuffer, from: number, to: number) => boolean): Promise<boolean> {
    const { input } = this;
    for (let rows = 0;;) {
      while (input.find()) {
        const { type, from, to } = input;
        input.skip();
        if (type === MESSAGE.copyData) {
          rows++;
          if (!onRow(input, from, to)) return true;
        } else if (type === MESSAGE.ready) {
          this.done();
          return false;
        } else if (type === MESSAGE.commandComplete) {
          this.tag = readString(input.bytes.subarray(0, to), from)[0];
        } else if (type !== MESSAGE.copyDone) {
          this.handle(type, bodyOf(input.bytes.slice(from, to)));
        }
      }
      if (rows > 0) return true;
      await this.receive();
    }
  }
}
