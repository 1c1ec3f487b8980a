/** The receiving end of a statement's rows in the binary format. */
import type { PacketBuffer, ResultColumn, StatementEnd } from "./packets.ts";

/** Rows of a statement as they come. */
export class RowStream {
  /** What the server says of the rows, once all have come. */
  end: StatementEnd | undefined;

  constructor(
    readonly columns: readonly ResultColumn[],
    private readonly input: PacketBuffer,
    private readonly receive: () => Promise<void>,
    private readonly takeEnd: (payload: Uint8Array) => Promise<StatementEnd>,
    private readonly explain: (error: unknown) => unknown,
  ) {}

  /**
   * Calls `onRow` for the row that the input has found, until it returns false: it reads that row, and may
   * read those behind it, and skips what it has read. Waits for more when nothing has come.
   *
   * @returns false when the server has said that these were all
   */
  async read(onRow: (input: PacketBuffer) => boolean): Promise<boolean> {
    const { input } = this;
    for (let rows = 0;;) {
      while (this.#find()) {
        // Rows begin with a zero, the end and an error do not.
        if (input.to > input.from && input.bytes[input.from] === 0) {
          rows++;
          if (!onRow(input)) return true;
        } else {
          this.end = await this.takeEnd(input.next()!);
          return false;
        }
      }
      if (rows > 0) return true;
      await this.receive();
    }
  }

  #find(): boolean {
    try {
      return this.input.find();
    } catch (error) {
      throw this.explain(error);
    }
  }
}
