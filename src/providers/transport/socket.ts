/**
 * Bytes to and from a server. Without TLS they go over the runtime's own sockets, measured at twice
 * the speed of `node:net` and read only when asked. TLS begins inside an open connection and must
 * also be possible without a check of the certificate (sslmode require), which `node:tls` can do.
 *
 * A provider's client connects, asks its server for TLS in its own protocol, and then starts TLS:
 * `connectSocket`, `startTLS`; `plainSocket` where there is none.
 */
import { connect as connectNode, isIP, type Socket } from "node:net";
import { createPrivateKey } from "node:crypto";
import { resolve } from "node:path";
import { checkServerIdentity, connect as connectSecure, type TLSSocket } from "node:tls";
import { ConnectionError, type ErrorDetails, messageOf } from "../../core/errors.ts";
import { type Address, formatAddress } from "./address.ts";
import type { TLSKeys } from "./connection_keys.ts";
import { close, TLSDuplex, writeAll } from "./tls_duplex.ts";

/** A connection of bytes. Closing it makes what waits on it reject or end. */
export interface ByteSocket {
  /** Reads what is there, at least one byte; null at the end. */
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<void>;
  close(): void;
  /** The server's certificate in DER, inside TLS. */
  readonly certificate?: Uint8Array | undefined;
}

/** Where a connection goes, how, and until when it is tried. */
export interface SocketTarget extends Address, TLSKeys {
  /** Name of the system, as messages have it. */
  readonly system: string;
  readonly connect_timeout: number;
  readonly baseDirectory: string;
}

/** The error of a connection that cannot be made. */
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

function tooLate(target: SocketTarget): ConnectionError {
  return connectError(target, `no answer within ${target.connect_timeout} s (connect_timeout)`, {
    transient: true,
  });
}

/** Waits for `work` no longer than connect_timeout; `discard` gets what comes after that. */
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
      reject(tooLate(target));
    }, target.connect_timeout * 1000);
  });
  work.then((value) => late && discard(value), () => {});
  try {
    return await Promise.race([work, timeout]);
  } catch (error) {
    if (error instanceof ConnectionError) throw error;
    const { code = "" } = error as { code?: string };
    const transient = PASSING.test(code) || /temporary failure/i.test(messageOf(error));
    throw connectError(target, reason(error), { cause: error, transient });
  } finally {
    clearTimeout(timer);
  }
}

/** Nothing listens, or the network does not reach it: a server that starts, or is back later. */
const PASSING =
  /^(ECONN(REFUSED|RESET|ABORTED)|E(HOST|NET)UNREACH|ETIMEDOUT|EPIPE|EAI_AGAIN|ENOENT)$/;

function reason(error: unknown): string {
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

/** @throws {ConnectionError} when nothing answers there in time */
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

/** A connection without TLS. */
export function plainSocket(connection: Deno.Conn): ByteSocket {
  return {
    read: (into) => connection.read(into),
    write: (bytes) => writeAll(connection, bytes),
    close: () => close(connection),
  };
}

/** A connection without TLS, as a stream of node's. */
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

/** TLS, and the stream that it goes over. */
export interface Secured {
  readonly secure: Socket;
  readonly carrier: TLSDuplex;
}

/** TLS over a connection whose server has agreed to it. */
export async function startTLS(
  target: SocketTarget,
  connection: Deno.Conn,
  options: TLSOptions,
): Promise<Secured> {
  const carrier = new TLSDuplex(connection);
  const secure = await waitInTime(
    target,
    shakeHands(target, carrier, options),
    (late) => late.destroy(),
  );
  return { secure, carrier };
}

/** What `node:tls` takes. */
export interface TLSOptions {
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly checkServerIdentity?: typeof checkServerIdentity;
}

/**
 * Reads the files that the keys name. Modes `prefer` and `require` take any certificate, `verify-ca` any
 * name in it.
 */
export async function readTLSOptions(target: SocketTarget): Promise<TLSOptions> {
  const { sslmode, sslrootcert } = target;
  const own = await clientCertificate(target);
  if (sslmode === "prefer" || sslmode === "require") return { rejectUnauthorized: false, ...own };
  return {
    rejectUnauthorized: true,
    ...own,
    ...(sslrootcert === undefined ? {} : { ca: await pemFile(target, "sslrootcert", sslrootcert) }),
    ...(sslmode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
  };
}

async function clientCertificate(target: SocketTarget): Promise<Pick<TLSOptions, "cert" | "key">> {
  const { sslcert, sslkey, sslpassword } = target;
  if (sslcert === undefined || sslkey === undefined) return {};
  const cert = await pemFile(target, "sslcert", sslcert);
  const pem = await pemFile(target, "sslkey", sslkey);
  try {
    const key = createPrivateKey({
      key: pem,
      ...(sslpassword === undefined ? {} : { passphrase: sslpassword }),
    });
    return { cert, key: String(key.export({ type: "pkcs8", format: "pem" })) };
  } catch (error) {
    const encrypted = pem.includes("ENCRYPTED");
    const why = !encrypted
      ? "is no private key in PEM"
      : sslpassword === undefined
      ? "is encrypted and wants sslpassword"
      : "cannot be decrypted with sslpassword";
    throw connectError(target, `sslkey "${sslkey}" ${why}`, { cause: error });
  }
}

async function pemFile(target: SocketTarget, name: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(resolve(target.baseDirectory, path));
  } catch (error) {
    throw connectError(target, `${name} "${path}" cannot be read, ${messageOf(error)}`);
  }
}

function shakeHands(
  target: SocketTarget,
  carrier: TLSDuplex,
  options: TLSOptions,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const secure = connectSecure({
      // Any stream will do, its type says less.
      socket: carrier as unknown as Socket,
      ...options,
      host: target.host,
      ...(isIP(target.host) ? {} : { servername: target.host }),
    });
    carrier.once("lost", () => endOnceRead(secure));
    const refused = (error: Error) =>
      reject(
        connectError(target, `TLS failed, ${error.message} (sslmode ${target.sslmode})`, {
          cause: error,
        }),
      );
    secure.once("secureConnect", () => resolve(secure));
    secure.once("error", refused);
    secure.once("close", () => refused(new Error("the server closed the connection")));
  });
}

/** Time for what has come to be decrypted. */
const DECRYPTED_MS = 50;

function endOnceRead(stream: Socket): void {
  setTimeout(() => {
    if (stream.readableLength > 0) endOnceRead(stream);
    else stream.destroy();
  }, DECRYPTED_MS);
}

/** A connection inside TLS, read when asked. */
export class SecureSocket implements ByteSocket {
  #rest: Uint8Array = new Uint8Array();
  #ended = false;
  #error: Error | undefined;
  #wake = () => {};

  readonly certificate: Uint8Array | undefined;

  private readonly stream: Socket;
  private readonly carrier: TLSDuplex;

  constructor({ secure: stream, carrier }: Secured) {
    this.stream = stream;
    this.carrier = carrier;
    this.certificate = (stream as TLSSocket).getPeerCertificate(true).raw;
    carrier.demand(false);
    stream.removeAllListeners("error").removeAllListeners("close");
    const end = (error?: Error) => {
      this.#ended = true;
      this.#error ??= error;
      this.#wake();
    };
    stream.on("readable", () => this.#wake());
    stream.on("end", () => end());
    stream.on("close", () => end());
    stream.on("error", end);
  }

  async read(into: Uint8Array): Promise<number | null> {
    while (this.#rest.length === 0) {
      const chunk: Uint8Array | null = this.stream.read();
      if (chunk !== null) this.#rest = chunk;
      else if (this.#error !== undefined) throw this.#error;
      else if (this.#ended) return null;
      else {
        const more = new Promise<void>((resolve) => this.#wake = resolve);
        this.carrier.demand(true);
        await more;
      }
    }
    this.carrier.demand(false);
    const size = Math.min(this.#rest.length, into.length);
    into.set(this.#rest.subarray(0, size));
    this.#rest = this.#rest.subarray(size);
    return size;
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      const closed = () => reject(this.#error ?? new Error("the connection was closed"));
      if (this.#ended) return closed();
      this.stream.once("close", closed);
      this.stream.write(bytes, (error) => {
        this.stream.off("close", closed);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  close(): void {
    this.stream.destroy();
    this.#ended = true;
    this.#wake();
  }
}
