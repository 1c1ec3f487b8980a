/** The file of a LOAD DATA LOCAL INFILE, made of bytes that the client has. */
import { MySQLError } from "./server_error.ts";
import type { PacketChannel } from "./packet_channel.ts";
import { ANSWER, framesOf, HEADER, putHeader, type StatementEnd } from "./packets.ts";

/** Bytes of a file that are sent as one packet: less than a frame. */
const PIECE = 8 * 1024 * 1024;

/**
 * Sends chunks to a server that is about to ask for the file. Each has {@linkcode HEADER} free bytes at
 * its front. When they fail, so does the connection: an empty packet would end the file as if it were
 * whole.
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
      // Of a chunk beyond a frame the header of each piece takes the place of bytes that were sent.
      for (let from = 0; from < chunk.length - HEADER; from += PIECE) {
        const piece = chunk.subarray(from, from + PIECE + HEADER);
        putHeader(piece, piece.length - HEADER, sequence);
        await channel.send(piece);
        sequence = (sequence + 1) & 0xff;
      }
    }
    await channel.send(framesOf(new Uint8Array(), sequence));
    input.sequence = (sequence + 1) & 0xff;
  } catch (error) {
    throw error instanceof MySQLError ? connection.failure ?? error : connection.fail(error);
  } finally {
    channel.mayAskForFile = false;
  }
  return channel.endByOK(await channel.receive());
}
