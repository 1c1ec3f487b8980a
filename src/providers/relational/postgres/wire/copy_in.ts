/** Sends the data of a COPY FROM STDIN. */
import { messageOf } from "../../../../core/errors.ts";
import type { MessageChannel } from "./message_channel.ts";
import { encodeCString, MESSAGE, message, readString } from "./messages.ts";

/**
 * Sends frames, which are complete CopyData messages, to a server that waits for them. If the frames throw,
 * the server discards the rows before the error is thrown.
 *
 * @returns the command tag, for example `COPY 347`
 */
export async function sendCopy(
  channel: MessageChannel,
  frames: AsyncIterable<Uint8Array>,
): Promise<string> {
  const { connection } = channel;
  let tag = "";
  let answered = false;
  let hasSent = false;
  // The server may refuse a row long before the last one is sent.
  const answer = channel.receiveAll((type, body) => {
    if (type !== MESSAGE.commandComplete) channel.refuse(type);
    tag = readString(body.bytes, 0)[0];
  }, () => hasSent).finally(() => answered = true);
  answer.catch(() => {});
  const send = (bytes: Uint8Array) => connection.send(bytes, () => answer);
  const refuseRows = async (reason: string) => {
    await send(message(MESSAGE.copyFail, encodeCString(reason.replaceAll("\0", ""))));
    await connection.wait(answer);
  };
  try {
    for await (const frame of frames) {
      if (answered) break;
      await send(frame);
    }
    hasSent = true;
    if (!answered) await send(message(MESSAGE.copyDone));
  } catch (error) {
    hasSent = true;
    // The server's own error says more than the lost connection that follows it.
    if (connection.failure !== undefined) throw connection.failure;
    await refuseRows(messageOf(error)).catch(() => {});
    if (!channel.survives) connection.fail(error);
    throw error;
  }
  await connection.wait(answer);
  return tag;
}
