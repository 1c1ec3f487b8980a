/** Sends the rows of a LOAD DATA LOCAL INFILE as the file that the server asks for. */
import { MySQLError } from "./server_error.ts";
import type { PacketChannel } from "./packet_channel.ts";
import { ANSWER, framePayload, HEADER, putHeader, type StatementEnd } from "./packets.ts";

/** Bytes of a file per packet: fewer than a frame holds. */
const PIECE = 8 * 1024 * 1024;

/**
 * Sends the chunks when the server asks for the file. Each begins with {@linkcode HEADER} free bytes. If
 * they throw, the connection ends: an empty packet would tell the server that the file is complete.
 */
export async function sendFile(
  channel: PacketChannel,
  chunks: AsyncIterable<Uint8Array>,
): Promise<StatementEnd> {
  const { connection, input } = channel;
  channel.mayAskForFile = true;
  try {
    const [kind] = await channel.receive();
    if (kind !== ANSWER.localFile) throw connection.refuse("the server did not ask for the rows");
    let { sequence } = input;
    for await (const chunk of chunks) {
      // The header of each further piece overwrites bytes that were sent already.
      for (let from = 0; from < chunk.length - HEADER; from += PIECE) {
        const piece = chunk.subarray(from, from + PIECE + HEADER);
        putHeader(piece, piece.length - HEADER, sequence);
        await channel.send(piece);
        sequence = (sequence + 1) & 0xff;
      }
    }
    await channel.send(framePayload(new Uint8Array(), sequence));
    input.sequence = (sequence + 1) & 0xff;
  } catch (error) {
    throw error instanceof MySQLError ? connection.failure ?? error : connection.fail(error);
  } finally {
    channel.mayAskForFile = false;
  }
  return channel.endByOK(await channel.receive());
}
