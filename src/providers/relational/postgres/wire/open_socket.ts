/** Connects to a server, inside TLS where sslmode and the server want it. */
import type { Socket } from "node:net";
import { close, writeAll } from "../../../transport/tls_duplex.ts";
import {
  type ByteSocket,
  connectError,
  connectSocket,
  connectStream,
  plainSocket,
  readTLSOptions,
  type Secured,
  SecureSocket,
  type SocketTarget,
  startTLS,
  waitInTime,
} from "../../../transport/socket.ts";
import type { TLSKeys } from "../../../transport/connection_keys.ts";
import { type Address, socketPath } from "../config.ts";
import { sslRequest } from "./messages.ts";

/** The keys of a connection that say where a server is, and how it is reached. */
export interface ServerKeys extends Address, TLSKeys {
  readonly connect_timeout: number;
  /** Folder that relative paths start from. */
  readonly baseDirectory: string;
}

/** @throws {ConnectionError} when the server cannot be reached in time, or not with this sslmode */
export async function openSocket(keys: ServerKeys): Promise<ByteSocket> {
  const target = targetOf(keys);
  const inTLS = await secured(target);
  return inTLS === undefined ? plainSocket(await connectSocket(target)) : new SecureSocket(inTLS);
}

/** As {@linkcode openSocket}, as a stream of node's for the control client. */
export async function openStream(keys: ServerKeys): Promise<Socket> {
  const target = targetOf(keys);
  return (await secured(target))?.secure ?? await connectStream(target);
}

function targetOf(keys: ServerKeys): SocketTarget {
  return { ...keys, system: "PostgreSQL", path: socketPath(keys) };
}

/** A connection inside TLS; undefined when sslmode wants none, or prefers it and there is none. */
async function secured(target: SocketTarget): Promise<Secured | undefined> {
  // As libpq: between processes of one machine there is nothing to encrypt.
  if (target.sslmode === "disable" || target.path !== undefined) return undefined;
  const options = await readTLSOptions(target);
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
  if (target.sslmode === "prefer") return undefined;
  throw connectError(target, `the server does not offer TLS, sslmode is ${target.sslmode}`);
}

async function offersTLS(connection: Deno.Conn): Promise<boolean> {
  await writeAll(connection, sslRequest());
  const answer = new Uint8Array(2);
  const size = await connection.read(answer);
  if (size === null) throw new Error("the server closed the connection");
  // More than the one byte would be taken for the server's although anybody can have sent it.
  if (size === 1 && (answer[0] === 0x53 || answer[0] === 0x4e)) return answer[0] === 0x53;
  throw new Error("the answer to the request for TLS is not PostgreSQL's");
}
