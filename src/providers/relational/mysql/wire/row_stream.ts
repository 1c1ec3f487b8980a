/** The receiving end of a statement's rows in the binary format. */
import type { PacketChannel } from "./packet_channel.ts";
import {
  closeStatement,
  type PacketBuffer,
  type ResultColumn,
  type StatementEnd,
} from "./packets.ts";

/** Rows of a statement as they come. */
export class RowStream {
  /** What the server says of the rows, once all have come. */
  end: StatementEnd | undefined;

  /** @param statement number of the prepared statement, which is closed after its rows */
  constructor(
    private readonly channel: PacketChannel,
    private readonly statement: number,
    readonly columns: readonly ResultColumn[],
  ) {}

  /**
   * Calls `onRow` for the row that the input has found, until it returns false: it reads that row, and may
   * read those behind it, and skips what it has read. Waits for more when nothing was received.
   *
   * @returns false when the server has said that these were all
   */
  async read(onRow: (input: PacketBuffer) => boolean): Promise<boolean> {
    const { channel } = this;
    const { connection, input } = channel;
    for (let rows = 0;;) {
      while (channel.find()) {
        // Rows begin with a zero, the end and an error do not.
        if (input.to > input.from && input.bytes[input.from] === 0) {
          rows++;
          if (!onRow(input)) return true;
        } else {
          this.end = channel.endRows(await channel.receive(true));
          await channel.send(closeStatement(this.statement));
          return false;
        }
      }
      if (rows > 0) return true;
      await connection.receive(input);
    }
  }
}
