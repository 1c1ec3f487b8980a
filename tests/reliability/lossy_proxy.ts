/** A TCP proxy that passes on a client's COMMIT and drops the reply, once. */
export interface LossyProxy extends AsyncDisposable {
  readonly port: number;
  /** Whether a reply was dropped. */
  hasDropped(): boolean;
}

/** Milliseconds that the server has to commit before the connection is closed. */
const GRACE = 100;

export function dropCommitReply(target: number): LossyProxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  let dropped = false;

  const relay = async (client: Deno.Conn, server: Deno.Conn) => {
    let isLost = false;
    const end = () => [client, server].forEach(close);
    const requests = pass(client, server, (bytes) => {
      if (dropped || !new TextDecoder("latin1").decode(bytes).includes("COMMIT")) return true;
      dropped = isLost = true;
      setTimeout(end, GRACE);
      return true;
    });
    const replies = pass(server, client, () => !isLost);
    await Promise.allSettled([requests, replies]);
    end();
  };
  const done = (async () => {
    for await (const client of listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: target });
      open.push(client, server);
      void relay(client, server);
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    hasDropped: () => dropped,
    async [Symbol.asyncDispose]() {
      listener.close();
      open.forEach(close);
      await done;
    },
  };
}

/** @param isPassed whether these bytes are sent on */
async function pass(
  from: Deno.Conn,
  to: Deno.Conn,
  isPassed: (bytes: Uint8Array) => boolean,
): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const count = await from.read(buffer);
    if (count === null) return await (to as Deno.TcpConn).closeWrite();
    if (!isPassed(buffer.subarray(0, count))) continue;
    for (let at = 0; at < count;) at += await to.write(buffer.subarray(at, count));
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed before.
  }
}
