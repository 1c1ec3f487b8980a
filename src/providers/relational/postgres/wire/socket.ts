/**
 * Bytes to and from the server. Without TLS they go over the runtime's own sockets, measured at twice
 * the speed of `node:net` and read only when asked. TLS begins inside an open connection and must
 * also be possible without a check of the certificate (sslmode require), which `node:tls` can do.
 */
import { connect as connectNode, isIP, type Socket } from "node:net";
import { createPrivateKey } from "node:crypto";
import { checkServerIdentity, connect as connectSecure, type TLSSocket } from "node:tls";
import { ConnectionError, messageOf } from "../../../../core/errors.ts";
import { close, TLSDuplex, writeAll } from "./tls_duplex.ts";
import {
  type Address,
  formatAddress,
  type PostgresConfig,
  resolveRootCertificate,
  socketPath,
} from "../config.ts";
import { sslRequest } from "./messages.ts";

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
export interface SocketTarget extends
  Address,
  Pick<
    PostgresConfig,
    "sslmode" | "sslrootcert" | "sslcert" | "sslkey" | "sslpassword" | "connect_timeout"
  > {
  readonly baseDirectory: string;
}

/** @throws {ConnectionError} when the server cannot be reached in time, or not with this sslmode */
export async function openSocket(target: SocketTarget): Promise<ByteSocket> {
  const inTLS = await secured(target);
  return inTLS === undefined
    ? plainSocket(await connected(target))
    : new StreamSocket(inTLS.secure, inTLS.carrier);
}

/** As {@linkcode openSocket}, as a stream of node's for the control client. */
export async function openStream(target: SocketTarget): Promise<Socket> {
  return (await secured(target))?.secure ?? await nodeSocket(target);
}

function cannot({ host, port }: SocketTarget, detail: string, cause?: unknown): ConnectionError {
  return new ConnectionError(
    `Cannot connect to PostgreSQL at "${formatAddress({ host, port })}": ${detail}`,
    cause === undefined ? {} : { cause },
  );
}

function tooLate(target: SocketTarget): ConnectionError {
  return cannot(target, `no answer within ${target.connect_timeout} s (connect_timeout)`);
}

/** Waits for `work` no longer than connect_timeout; `discard` gets what comes after that. */
async function inTime<T>(
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
    throw error instanceof ConnectionError ? error : cannot(target, reason(error), error);
  } finally {
    clearTimeout(timer);
  }
}

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

/** To the socket of a server on this machine, or over the network. */
async function connected(target: SocketTarget): Promise<Deno.Conn> {
  const path = socketPath(target);
  if (path === undefined) return await tcp(target);
  return await inTime(target, Deno.connect({ transport: "unix", path }), close);
}

async function tcp(target: SocketTarget): Promise<Deno.TcpConn> {
  const { host: hostname, port } = target;
  const connection = await inTime(target, Deno.connect({ hostname, port }), close);
  connection.setNoDelay(true);
  connection.setKeepAlive(true);
  return connection;
}

function plainSocket(connection: Deno.Conn): ByteSocket {
  return {
    read: (into) => connection.read(into),
    write: (bytes) => writeAll(connection, bytes),
    close: () => close(connection),
  };
}

async function nodeSocket(target: SocketTarget): Promise<Socket> {
  const path = socketPath(target);
  const socket = connectNode(
    path === undefined ? { host: target.host, port: target.port } : { path },
  );
  if (path === undefined) socket.setNoDelay(true);
  const connected = new Promise<Socket>((resolve, reject) => {
    socket.once("connect", () => resolve(socket));
    socket.once("error", reject);
  });
  try {
    return await inTime(target, connected, () => {});
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** TLS, and the stream that it goes over. */
interface Secured {
  readonly secure: Socket;
  readonly carrier: TLSDuplex;
}

/** A connection inside TLS; undefined when sslmode wants none, or prefers it and there is none. */
async function secured(target: SocketTarget): Promise<Secured | undefined> {
  // As libpq: between processes of one machine there is nothing to encrypt.
  if (target.sslmode === "disable" || socketPath(target) !== undefined) return undefined;
  const options = await tlsOptions(target);
  const connection = await tcp(target);
  try {
    if (await inTime(target, offersTLS(connection), () => {})) {
      const carrier = new TLSDuplex(connection);
      const secure = await inTime(
        target,
        upgraded(target, carrier, options),
        (late) => late.destroy(),
      );
      return { secure, carrier };
    }
  } catch (error) {
    close(connection);
    throw error;
  }
  close(connection);
  if (target.sslmode === "prefer") return undefined;
  throw cannot(target, `the server does not offer TLS, sslmode is ${target.sslmode}`);
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

interface TLSOptions {
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly checkServerIdentity?: typeof checkServerIdentity;
}

/** As libpq: prefer and require take any certificate, verify-ca any name in it. */
async function tlsOptions(target: SocketTarget): Promise<TLSOptions> {
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
    throw cannot(target, `sslkey "${sslkey}" ${why}`, error);
  }
}

async function pemFile(target: SocketTarget, name: string, path: string): Promise<string> {
  try {
    return await Deno.readTextFile(resolveRootCertificate(path, target.baseDirectory));
  } catch (error) {
    throw cannot(target, `${name} "${path}" cannot be read, ${messageOf(error)}`);
  }
}

function upgraded(target: SocketTarget, carrier: TLSDuplex, options: TLSOptions): Promise<Socket> {
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
      reject(cannot(target, `TLS failed, ${error.message} (sslmode ${target.sslmode})`, error));
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

/** A stream of node's, read when asked. */
class StreamSocket implements ByteSocket {
  #rest: Uint8Array = new Uint8Array();
  #ended = false;
  #error: Error | undefined;
  #wake = () => {};

  readonly certificate: Uint8Array | undefined;

  constructor(private readonly stream: Socket, private readonly carrier: TLSDuplex) {
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
