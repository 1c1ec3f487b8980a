/** Connects to a server, reads its greeting, and starts TLS where sslmode and the server want it. */
import { messageOf } from "../../../../core/errors.ts";
import {
  readTLSOptions,
  refuseWithoutTLS,
  SecureSocket,
  startTLS,
} from "../../../transport/secure_socket.ts";
import {
  type ByteSocket,
  ConnectionEnded,
  connectSocket,
  plainSocket,
  type ServerKeys,
  type SocketTarget,
  waitInTime,
} from "../../../transport/socket.ts";
import { close, writeAll } from "../../../transport/tls_duplex.ts";
import {
  CAPABILITY,
  chooseCapabilities,
  type Greeting,
  parseGreeting,
  tlsRequest,
} from "./greeting.ts";
import { ANSWER, framePayload, HEADER } from "./packets.ts";
import { MySQLError, parseError } from "./server_error.ts";

/** A server that has greeted, and waits for the login. */
export interface OpenServer {
  readonly socket: ByteSocket;
  readonly greeting: Greeting;
  /** What client and server both are able to do. */
  readonly capabilities: number;
  /** Number of the next packet. */
  readonly sequence: number;
}

/** @throws {ConnectionError} when the server cannot be reached in time, or not with this sslmode */
export async function openServer(
  keys: ServerKeys & { readonly database?: string | undefined },
  localFiles: boolean,
): Promise<OpenServer> {
  const target: SocketTarget = { ...keys, system: "MySQL" };
  const options = await readTLSOptions(target);
  const connection = await connectSocket(target);
  try {
    const greeting = await waitInTime(target, readGreeting(connection), () => {});
    const capabilities = chooseCapabilities(greeting, { database: keys.database, localFiles });
    const offersTLS = (greeting.capabilities & CAPABILITY.tls) !== 0;
    if (options !== undefined && offersTLS) {
      await writeAll(connection, framePayload(tlsRequest(capabilities), 1));
      const secured = await startTLS(target, connection, options);
      return { socket: new SecureSocket(secured), greeting, capabilities, sequence: 2 };
    }
    if (options !== undefined) refuseWithoutTLS(target);
    return { socket: plainSocket(connection), greeting, capabilities, sequence: 1 };
  } catch (error) {
    close(connection);
    throw error;
  }
}

/** Longest greeting that a server has reason to send. */
const LONGEST_GREETING = 4096;

/** Reads no byte more: what follows may belong to TLS. */
async function readGreeting(connection: Deno.Conn): Promise<Greeting> {
  const header = await readExactly(connection, HEADER);
  const length = header[0]! | header[1]! << 8 | header[2]! << 16;
  if (length === 0 || length > LONGEST_GREETING) {
    throw new Error("the greeting is not that of MySQL or MariaDB");
  }
  const payload = await readExactly(connection, length);
  if (payload[0] === ANSWER.error) throw new MySQLError(parseError(payload));
  try {
    return parseGreeting(payload);
  } catch (error) {
    throw new Error(
      error instanceof RangeError
        ? "the greeting is not that of MySQL or MariaDB"
        : messageOf(error),
    );
  }
}

async function readExactly(connection: Deno.Conn, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size;) {
    const count = await connection.read(bytes.subarray(at));
    if (count === null) throw new ConnectionEnded();
    at += count;
  }
  return bytes;
}
