/**
 * TLS inside an open connection, after the server has agreed to it in its own protocol. `node:tls` is used
 * because `Deno.startTls` cannot skip the check of the certificate (sslmode require).
 */
import { createPrivateKey } from "node:crypto";
import { isIP, type Socket } from "node:net";
import { resolve } from "node:path";
import { checkServerIdentity, connect as connectSecure, type TLSSocket } from "node:tls";
import { messageOf } from "../../core/errors.ts";
import {
  type ByteSocket,
  connectError,
  ConnectionEnded,
  type SocketTarget,
  waitInTime,
} from "./socket.ts";
import { TLSDuplex } from "./tls_duplex.ts";

/** A TLS stream, and the stream that carries it. */
export interface Secured {
  readonly secure: Socket;
  readonly carrier: TLSDuplex;
}

/** Starts TLS over a connection whose server has agreed to it. */
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

/** Options of `node:tls`. */
export interface TLSOptions {
  readonly rejectUnauthorized: boolean;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly checkServerIdentity?: typeof checkServerIdentity;
}

/**
 * Reads the files that the keys name. Modes `prefer` and `require` accept any certificate, `verify-ca` any
 * name in it. Returns undefined without TLS: with sslmode disable, and for sockets of this machine.
 */
export async function readTLSOptions(target: SocketTarget): Promise<TLSOptions | undefined> {
  const { sslmode, sslrootcert, path } = target;
  if (sslmode === "disable" || path !== undefined) return undefined;
  const own = await clientCertificate(target);
  if (sslmode === "prefer" || sslmode === "require") return { rejectUnauthorized: false, ...own };
  return {
    rejectUnauthorized: true,
    ...own,
    ...(sslrootcert === undefined ? {} : { ca: await pemFile(target, "sslrootcert", sslrootcert) }),
    ...(sslmode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
  };
}

/** @throws {ConnectionError} unless sslmode accepts a server without TLS */
export function refuseWithoutTLS(target: SocketTarget): void {
  if (target.sslmode === "prefer") return;
  throw connectError(target, `the server does not offer TLS, sslmode is ${target.sslmode}`);
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
      // Any duplex stream works, although the type asks for a socket.
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
          transient: error instanceof ConnectionEnded,
        }),
      );
    secure.once("secureConnect", () => resolve(secure));
    secure.once("error", refused);
    secure.once("close", () => refused(new ConnectionEnded()));
  });
}

/** Milliseconds in which TLS decrypts the bytes that were received. */
const DECRYPTED_MS = 50;

function endOnceRead(stream: Socket): void {
  setTimeout(() => {
    if (stream.readableLength > 0) endOnceRead(stream);
    else stream.destroy();
  }, DECRYPTED_MS);
}

/** A TLS connection that is read on demand. */
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
