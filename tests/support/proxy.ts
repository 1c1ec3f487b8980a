/** A TCP proxy that breaks, of its connections, the first on which one side has sent so many bytes. */

export type Break = "reset" | "close" | "silence";

export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** Bytes that the server's side has sent on to the client. */
  passed(): number;
}

export function proxyTo(
  target: number,
  how: Break,
  after: number,
  sender: "server" | "client" = "server",
): Proxy {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  let isBroken = false;
  let passed = 0;
  const done = (async () => {
    for await (const client of listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: target });
      open.push(client, server);
      const limit = (side: typeof sender) => side === sender && !isBroken ? after : Infinity;
      const onBreak = () => {
        isBroken = true;
      };
      pump(client, server, how, () => limit("client"), () => {}, onBreak).catch(() => {});
      const onPassed = (bytes: number) => passed += bytes;
      pump(server, client, how, () => limit("server"), onPassed, onBreak).catch(() => {});
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    passed: () => passed,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) close(connection);
      await done;
    },
  };
}

async function pump(
  from: Deno.Conn,
  to: Deno.Conn,
  how: Break,
  limit: () => number,
  onPassed: (bytes: number) => void,
  onBreak: () => void,
): Promise<void> {
  const buffer = new Uint8Array(4096);
  let sent = 0;
  while (sent < limit()) {
    const count = await from.read(buffer);
    if (count === null) return close(to);
    const some = Math.min(count, limit() - sent);
    for (let at = 0; at < some;) at += await to.write(buffer.subarray(at, some));
    sent += count;
    onPassed(count);
  }
  onBreak();
  if (how === "silence") return;
  // Closing with bytes unread makes the kernel send a reset.
  if (how === "reset") await new Promise((resolve) => setTimeout(resolve, 20));
  if (how === "close") await (to as Deno.TcpConn).closeWrite();
  else close(to);
  close(from);
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed before.
  }
}
