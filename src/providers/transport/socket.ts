/**
 * Connections to servers over the runtime's own sockets, which are read on demand, at twice the measured
 * speed of `node:net`. `secure_socket.ts` starts TLS inside such a connection.
 */
import { connect as connectNode, type Socket } from "node:net";
import { ConnectionError, type ErrorDetails, messageOf } from "../../core/errors.ts";
import { type Address, formatAddress } from "./address.ts";
import type { TLSKeys } from "./connection_keys.ts";
import { close, writeAll } from "./tls_duplex.ts";

/** A connection that carries bytes. When it closes, waiting reads and writes reject or end. */
export interface ByteSocket {
  /** Waits for bytes; returns how many were read, null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<void>;
  close(): void;
  /** The server's certificate in DER; only with TLS. */
  readonly certificate?: Uint8Array | undefined;
}

/** The keys of a connection with the address of its server, TLS and the time to connect. */
export interface ServerKeys extends Address, TLSKeys {
  /** Longest time for each step of connecting, in seconds. */
  readonly connect_timeout: number;
  /** Folder that relative paths start from. */
  readonly baseDirectory: string;
}

/** A server to connect to. */
export interface SocketTarget extends ServerKeys {
  /** Name of the system in messages. */
  readonly system: string;
}

/** Creates the error of a connection that cannot be opened. */
export function connectError(
  target: Pick<SocketTarget, "system"> & Address,
  detail: string,
  { cause, transient }: ErrorDetails = {},
): ConnectionError {
  return new ConnectionError(
    `Cannot connect to ${target.system} at "${formatAddress(target)}": ${detail}`,
    { ...(cause === undefined ? {} : { cause }), transient },
  );
}

function timeoutError(target: SocketTarget): ConnectionError {
  return connectError(target, `no answer within ${target.connect_timeout} s (connect_timeout)`, {
    transient: true,
  });
}

/** Waits for `work` for at most connect_timeout; `discard` receives a later result. */
export async function waitInTime<T>(
  target: SocketTarget,
  work: Promise<T>,
  discard: (late: T) => void,
): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let late = false;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      late = true;
      reject(timeoutError(target));
    }, target.connect_timeout * 1000);
  });
  work.then((value) => late && discard(value), () => {});
  try {
    return await Promise.race([work, timeout]);
  } catch (error) {
    if (error instanceof ConnectionError) throw error;
    const { code = "" } = error as { code?: string };
    const transient = PASSING.test(code) || /temporary failure/i.test(messageOf(error));
    throw connectError(target, describeFailure(error), { cause: error, transient });
  } finally {
    clearTimeout(timer);
  }
}

/** The server, or what stands before it, closed a connection that was opened just now. */
export class ConnectionEnded extends Error {
  readonly code = "ECONNRESET";

  constructor() {
    super("the server closed the connection");
  }
}

/** Codes of transient failures: the server does not listen yet, or the network does not reach it. */
const PASSING =
  /^(ECONN(REFUSED|RESET|ABORTED)|E(HOST|NET)UNREACH|ETIMEDOUT|EPIPE|EAI_AGAIN|ENOENT)$/;

function describeFailure(error: unknown): string {
  const { code } = error as { code?: string };
  if (error instanceof Deno.errors.ConnectionRefused || code === "ECONNREFUSED") {
    return "nothing listens there, the connection was refused";
  }
  if (error instanceof Deno.errors.NotFound || code === "ENOENT") {
    return "there is no such socket, no server runs there";
  }
  if (code === "ENOTFOUND" || /failed to lookup|not known/.test(messageOf(error))) {
    return "the host name is not known";
  }
  return messageOf(error);
}

/** @throws {ConnectionError} when no server answers in time */
export async function connectSocket(target: SocketTarget): Promise<Deno.Conn> {
  const { host: hostname, port, path } = target;
  if (path !== undefined) {
    return await waitInTime(target, Deno.connect({ transport: "unix", path }), close);
  }
  const connection = await waitInTime(target, Deno.connect({ hostname, port }), close);
  connection.setNoDelay(true);
  connection.setKeepAlive(true);
  return connection;
}

/** Wraps a connection without TLS. */
export function plainSocket(connection: Deno.Conn): ByteSocket {
  return {
    read: (into) => connection.read(into),
    write: (bytes) => writeAll(connection, bytes),
    close: () => close(connection),
  };
}

/** Opens a connection without TLS as a socket of `node:net`. */
export async function connectStream(target: SocketTarget): Promise<Socket> {
  const { path } = target;
  const socket = connectNode(
    path === undefined ? { host: target.host, port: target.port } : { path },
  );
  if (path === undefined) socket.setNoDelay(true);
  const connected = new Promise<Socket>((resolve, reject) => {
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
  try {
    return await waitInTime(target, connected, () => {});
  } catch (error) {
    socket.destroy();
    throw error;
  }
}
