/** A COPY FROM STDIN whose rows fail, over a server that answers as a test wants. */
import assert from "node:assert/strict";
import { ConnectionError } from "../../../../../src/core/errors.ts";
import { sendCopy } from "../../../../../src/providers/relational/postgres/wire/copy_in.ts";
import { MessageBuffer } from "../../../../../src/providers/relational/postgres/wire/message_buffer.ts";
import { MessageChannel } from "../../../../../src/providers/relational/postgres/wire/message_channel.ts";
import {
  encodeCString,
  MESSAGE,
  message,
} from "../../../../../src/providers/relational/postgres/wire/messages.ts";
import { PostgresError } from "../../../../../src/providers/relational/postgres/wire/server_error.ts";
import { GuardedConnection } from "../../../../../src/providers/transport/guarded_connection.ts";

/** A channel whose server answers each message by what `answer` returns; null closes the connection. */
function channelTo(answer: (type: number) => Uint8Array | null | undefined) {
  const waiting: Uint8Array[] = [];
  let ended = false;
  let wake = () => {};
  const socket = {
    async read(into: Uint8Array): Promise<number | null> {
      while (waiting.length === 0 && !ended) {
        await new Promise<void>((resolve) => wake = resolve);
      }
      const bytes = waiting.shift();
      if (bytes === undefined) return null;
      into.set(bytes);
      return bytes.length;
    },
    write(bytes: Uint8Array): Promise<void> {
      if (ended) return Promise.reject(new Error("broken pipe"));
      const said = answer(bytes[0]!);
      if (said === null) ended = true;
      else if (said !== undefined) waiting.push(said);
      wake();
      return ended ? Promise.reject(new Error("broken pipe")) : Promise.resolve();
    },
    close() {
      ended = true;
      wake();
    },
  };
  const connection = new GuardedConnection(socket, {
    system: "PostgreSQL",
    address: "test",
    connect_timeout: 5,
    inactivity_timeout: 0.3,
  });
  connection.beginStatement();
  return { channel: new MessageChannel(connection, new MessageBuffer(socket), false), waiting };
}

const ROW = message(MESSAGE.copyData, new Uint8Array(8));
const refusal = message(
  MESSAGE.error,
  ...["SERROR", "C22P02", "Mno integer"].map(encodeCString),
  new Uint8Array(1),
);

async function* failing() {
  yield ROW;
  await Promise.resolve();
  throw new Error("the stage cannot be read");
}

async function* rows(count: number) {
  for (let i = 0; i < count; i++) {
    yield ROW;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

Deno.test("rows that fail end the load with their error, also when the server is silent then", async () => {
  const { channel } = channelTo(() => undefined);
  const began = performance.now();
  await assert.rejects(sendCopy(channel, failing()), /^Error: the stage cannot be read$/);
  assert.ok(performance.now() - began < 2000);
  assert.equal(channel.connection.usable, false);
});

Deno.test("rows that fail are refused on the server, whose answer does not hide their error", async () => {
  const seen: number[] = [];
  const { channel } = channelTo((type) => {
    seen.push(type);
    return type === MESSAGE.copyFail ? refusal : undefined;
  });
  await assert.rejects(sendCopy(channel, failing()), /^Error: the stage cannot be read$/);
  assert.deepEqual(seen, [MESSAGE.copyData, MESSAGE.copyFail]);
});

Deno.test("a refusal of the server ends the load before the last row is sent", async () => {
  let sent = 0;
  const { channel } = channelTo(() => ++sent === 3 ? refusal : undefined);
  await assert.rejects(
    sendCopy(channel, rows(100)),
    (error: unknown) => error instanceof PostgresError && error.code === "22P02",
  );
  assert.ok(sent < 10, `${sent} messages`);
});

Deno.test("the last word of a server that closes the connection is the error", async () => {
  let sent = 0;
  const { channel, waiting } = channelTo(() => {
    if (++sent < 3) return undefined;
    waiting.push(refusal);
    return null;
  });
  await assert.rejects(sendCopy(channel, rows(100)), PostgresError);
});

Deno.test("a server that is lost without a word is a lost connection", async () => {
  let sent = 0;
  const { channel } = channelTo(() => ++sent < 3 ? undefined : null);
  await assert.rejects(
    sendCopy(channel, rows(100)),
    (error: unknown) =>
      error instanceof ConnectionError && /connection was lost before/.test(error.message),
  );
});
