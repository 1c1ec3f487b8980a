/** A server on loopback that sends exactly the bytes of a test, and notes what it is asked. */

/** Bytes of a response, each sent after the one before; a number waits for as many milliseconds. */
export type Response = readonly (string | Uint8Array<ArrayBuffer> | number)[];

export interface Server extends AsyncDisposable {
  readonly url: string;
  /** `127.0.0.1:port` */
  readonly host: string;
  /** Heads of the requests, in order. */
  readonly requests: readonly string[];
}

/** @param answer returns the response for the target of a request, such as `/x.csv?a=1` */
export function serve(answer: (target: string, head: string) => Response): Server {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const requests: string[] = [];
  const open = new Set<Deno.TcpConn>();
  const accept = async () => {
    for await (const connection of listener) {
      open.add(connection);
      respond(connection).catch(() => {}).finally(() => {
        open.delete(connection);
        close(connection);
      });
    }
  };
  const respond = async (connection: Deno.TcpConn) => {
    const head = await readHead(connection);
    if (head === "") return;
    requests.push(head);
    for (const part of answer(head.split(" ")[1]!, head)) {
      if (typeof part === "number") await new Promise((resolve) => setTimeout(resolve, part));
      else await writeAll(connection, typeof part === "string" ? encode(part) : part);
    }
  };
  const accepting = accept();
  const { port } = listener.addr;
  return {
    url: `http://127.0.0.1:${port}/`,
    host: `127.0.0.1:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) close(connection);
      await accepting;
    },
  };
}

export const encode = (text: string) => new TextEncoder().encode(text);

/** A whole response with its length. */
export function whole(body: string | Uint8Array<ArrayBuffer>, ...headers: string[]): Response {
  const bytes = typeof body === "string" ? encode(body) : body;
  return [head("200 OK", `content-length: ${bytes.length}`, ...headers), bytes];
}

export function head(status: string, ...headers: string[]): string {
  return ["HTTP/1.1 " + status, "connection: close", ...headers, "", ""].join("\r\n");
}

async function readHead(connection: Deno.TcpConn): Promise<string> {
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes("\r\n\r\n")) {
    const read = await connection.read(buffer);
    if (read === null) return "";
    text += new TextDecoder().decode(buffer.subarray(0, read));
  }
  return text;
}

async function writeAll(connection: Deno.TcpConn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
