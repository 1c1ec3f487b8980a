/** The smallest protocol with a login, statements and rows: lines of text, over a real socket. */
import { ConnectorError } from "../../../src/core/errors.ts";
import { formatAddress } from "../../../src/providers/transport/address.ts";
import {
  GuardedConnection,
  type GuardedOptions,
} from "../../../src/providers/transport/guarded_connection.ts";
import { ReceiveBuffer } from "../../../src/providers/transport/receive_buffer.ts";
import {
  connectSocket,
  plainSocket,
  type SocketTarget,
} from "../../../src/providers/transport/socket.ts";
import { writeAll } from "../../../src/providers/transport/tls_duplex.ts";

const utf8 = new TextEncoder();
const decoder = new TextDecoder();
const NEW_LINE = 10;

class LineBuffer extends ReceiveBuffer {
  next(): string | undefined {
    const end = this.bytes.subarray(0, this.end).indexOf(NEW_LINE, this.start);
    if (end < 0) return undefined;
    const line = decoder.decode(this.bytes.subarray(this.start, end));
    this.start = end + 1;
    if (line === "?") throw new RangeError("a line is a question");
    return line;
  }

  protected override wanted(): number {
    return this.end - this.start + 1;
  }
}

/** A client: `hello` logs in, each statement is answered by lines, of which `.` is the last. */
export class LineSession {
  private constructor(readonly connection: GuardedConnection, private readonly input: LineBuffer) {}

  static async open(
    server: LineServer,
    options: Partial<GuardedOptions> = {},
    signal?: AbortSignal,
  ): Promise<LineSession> {
    const target: SocketTarget = {
      system: "Lines",
      host: "127.0.0.1",
      port: server.port,
      sslmode: "disable",
      connect_timeout: 5,
      baseDirectory: "/",
    };
    const socket = plainSocket(await connectSocket(target));
    const connection = new GuardedConnection(socket, {
      system: "Lines",
      address: formatAddress(target),
      connect_timeout: 5,
      inactivity_timeout: 5,
      ...options,
    });
    const session = new LineSession(connection, new LineBuffer(socket));
    await connection.logIn(async () => {
      await session.query("hello");
    }, signal);
    return session;
  }

  /** @param onLine called for each line of the answer, as it comes */
  async query(statement: string, onLine = (_line: string) => {}): Promise<void> {
    this.connection.beginStatement();
    await this.connection.send(utf8.encode(`${statement}\n`), () => this.#receive());
    for (;;) {
      const line = await this.#receive();
      if (line === ".") return this.connection.endStatement();
      onLine(line);
    }
  }

  async #receive(): Promise<string> {
    for (;;) {
      let line: string | undefined;
      try {
        line = this.input.next();
      } catch (error) {
        throw this.connection.explain(error);
      }
      if (line?.startsWith("!")) {
        this.connection.endStatement();
        throw new ConnectorError(line.slice(1));
      }
      if (line !== undefined) return line;
      await this.connection.receive(this.input);
    }
  }

  close(): Promise<void> {
    return this.connection.close(utf8.encode("bye\n"), this.input);
  }
}

export interface Peer {
  send(text: string): Promise<void>;
  close(): void;
}

export interface LineServer extends Disposable {
  readonly port: number;
  /** Lines that clients sent. */
  readonly received: readonly string[];
}

/** Calls `login` for `hello`, `bye` for a farewell, and `answer` for each other line. */
export function lineServer(
  answer: (peer: Peer, line: string) => Promise<void> | void,
  login: (peer: Peer) => Promise<void> | void = (peer) => peer.send(".\n"),
  bye: (peer: Peer) => Promise<void> | void = (peer) => peer.close(),
): LineServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  const received: string[] = [];
  const serve = async (connection: Deno.Conn) => {
    const peer: Peer = {
      send: (text) => writeAll(connection, utf8.encode(text)),
      close: () => close(connection),
    };
    const lines = connection.readable.pipeThrough(new TextDecoderStream());
    let rest = "";
    for await (const text of lines) {
      const parts = (rest + text).split("\n");
      rest = parts.pop()!;
      for (const line of parts) {
        received.push(line);
        if (line === "bye") await bye(peer);
        else await (line === "hello" ? login(peer) : answer(peer, line));
      }
    }
  };
  const done = (async () => {
    for await (const connection of listener) {
      open.add(connection);
      serve(connection).catch(() => {});
    }
  })();
  done.catch(() => {});
  return {
    port: (listener.addr as Deno.NetAddr).port,
    received,
    [Symbol.dispose]() {
      listener.close();
      for (const connection of open) close(connection);
    },
  };
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed before.
  }
}
