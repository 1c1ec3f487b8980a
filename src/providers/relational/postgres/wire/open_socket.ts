/** Connects to a server, inside TLS where sslmode and the server want it. */
import type { Socket } from "node:net";
import { close, writeAll } from "../../../transport/tls_duplex.ts";
import {
  type ByteSocket,
  ConnectionEnded,
  connectSocket,
  connectStream,
  plainSocket,
  type ServerKeys,
  type SocketTarget,
  waitInTime,
} from "../../../transport/socket.ts";
import {
  readTLSOptions,
  refuseWithoutTLS,
  type Secured,
  SecureSocket,
  startTLS,
} from "../../../transport/secure_socket.ts";
import { socketPath } from "../config.ts";
import { sslRequest } from "./messages.ts";

/** @throws {ConnectionError} when the server cannot be reached in time, or not with this sslmode */
export async function openSocket(keys: ServerKeys): Promise<ByteSocket> {
  const target = makeTarget(keys);
  const inTLS = await secured(target);
  return inTLS === undefined ? plainSocket(await connectSocket(target)) : new SecureSocket(inTLS);
}

/** As {@linkcode openSocket}, as a stream of node's for the control client. */
export async function openStream(keys: ServerKeys): Promise<Socket> {
  const target = makeTarget(keys);
  return (await secured(target))?.secure ?? await connectStream(target);
}

function makeTarget(keys: ServerKeys): SocketTarget {
  return { ...keys, system: "PostgreSQL", path: socketPath(keys) };
}

/** A connection inside TLS; undefined when sslmode wants none, or prefers it and there is none. */
async function secured(target: SocketTarget): Promise<Secured | undefined> {
  const options = await readTLSOptions(target);
  if (options === undefined) return undefined;
  const connection = await connectSocket(target);
  try {
    if (await waitInTime(target, offersTLS(connection), () => {})) {
      return await startTLS(target, connection, options);
    }
  } catch (error) {
    close(connection);
    throw error;
  }
  close(connection);
  refuseWithoutTLS(target);
  return undefined;
}

async function offersTLS(connection: Deno.Conn): Promise<boolean> {
  await writeAll(connection, sslRequest());
  const answer = new Uint8Array(2);
  const size = await connection.read(answer);
  if (size === null) throw new ConnectionEnded();
  // An attacker may have sent further bytes, which would be read as the server's after the handshake.
  if (size === 1 && (answer[0] === 0x53 || answer[0] === 0x4e)) return answer[0] === 0x53;
  throw new Error("the answer to the request for TLS is not PostgreSQL's");
}
