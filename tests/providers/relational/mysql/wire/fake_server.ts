/** A server that greets, takes any login, and then answers as a test wants. */
import { createHash, generateKeyPairSync, privateDecrypt, randomBytes } from "node:crypto";
import { constants } from "node:crypto";
import {
  framePayload,
  HEADER,
} from "../../../../../src/providers/relational/mysql/wire/packets.ts";
import { openSession } from "../support.ts";

const utf8 = new TextEncoder();

export const bytes = (...parts: (number | string | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(
    parts.flatMap((part) =>
      typeof part === "number" ? [part] : [...(typeof part === "string" ? utf8.encode(part) : part)]
    ),
  );

export const OK = bytes(0, 0, 0, 2, 0, 0, 0);
export const EOF = bytes(0xfe, 0, 0, 2, 0);
export const failure = (code: number, text: string) =>
  bytes(0xff, code & 255, code >> 8, "#HY000", text);

/** A column of a result, of eight bytes and without a name. */
export function column(type: number, flags = 0, charset = 63): Uint8Array {
  const empty = [0, 0, 0, 0];
  return bytes(0, ...empty, 1, "c", 0, 12, charset, 0, 20, 0, 0, 0, type, flags, 0, 0, 0, 0)
    .subarray(1);
}

/** One connection as the server has it. */
export interface Peer {
  /** The next packet of the client. */
  read(): Promise<{ payload: Uint8Array; sequence: number }>;
  /** Sends payloads behind the packet that was read. */
  send(...payloads: Uint8Array[]): Promise<void>;
  /** Sends bytes as they are. */
  raw(data: Uint8Array): Promise<void>;
  startTLS(certificate: NonNullable<FakeOptions["tls"]>): Promise<void>;
  close(): void;
  /** Number of the next frame. */
  sequence: number;
}

export interface FakeServer extends Disposable {
  readonly url: string;
}

export interface FakeOptions {
  readonly plugin?: string;
  readonly version?: string;
  readonly capabilities?: number;
  /** Certificate and key, in PEM, of a server that has TLS. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** What happens instead of a login that any password passes. */
  login?(peer: Peer, answer: Uint8Array, challenge: Uint8Array): Promise<void>;
}

/** DEPRECATE_EOF is not among them. */
const CAPABILITIES = 0x00_0f_f7_df;

/** Calls `answer` for each command after the login and the settings of a session. */
export function fakeServer(
  answer: (peer: Peer, command: Uint8Array) => Promise<void> | void,
  options: FakeOptions = {},
): FakeServer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<Deno.Conn>();
  (async () => {
    for await (const connection of listener) {
      open.add(connection);
      serve(connection, answer, options).catch(() => {}).finally(() => {
        try {
          connection.close();
        } catch {
          // It was closed before.
        }
      });
    }
  })();
  return {
    url: `mysql://u:pw@127.0.0.1:${(listener.addr as Deno.NetAddr).port}`,
    [Symbol.dispose]() {
      listener.close();
      for (const connection of open) {
        try {
          connection.close();
        } catch {
          // It was closed before.
        }
      }
    },
  };
}

/** The server's end of TLS inside a connection: the runtime has it for a listener's connections alone. */
async function startTLS(
  outer: Deno.Conn,
  certificate: NonNullable<FakeOptions["tls"]>,
): Promise<Deno.Conn> {
  using listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, ...certificate });
  const { port } = listener.addr as Deno.NetAddr;
  const [inner, relay] = await Promise.all([
    listener.accept(),
    Deno.connect({ hostname: "127.0.0.1", port }),
  ]);
  outer.readable.pipeTo(relay.writable).catch(() => {});
  relay.readable.pipeTo(outer.writable).catch(() => {});
  return inner;
}

function peerOf(outer: Deno.Conn): Peer {
  let connection = outer;
  const readExactly = async (size: number) => {
    const into = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const count = await connection.read(into.subarray(at));
      if (count === null) throw new Error("the client closed the connection");
      at += count;
    }
    return into;
  };
  const raw = async (data: Uint8Array) => {
    for (let at = 0; at < data.length;) at += await connection.write(data.subarray(at));
  };
  const peer: Peer = {
    sequence: 0,
    async read() {
      const header = await readExactly(HEADER);
      const payload = await readExactly(header[0]! | header[1]! << 8 | header[2]! << 16);
      peer.sequence = (header[3]! + 1) & 255;
      return { payload, sequence: header[3]! };
    },
    async send(...payloads) {
      for (const payload of payloads) {
        const frames = framePayload(payload, peer.sequence);
        peer.sequence = (peer.sequence + Math.floor(payload.length / 0xff_ff_ff) + 1) & 255;
        await raw(frames);
      }
    },
    raw,
    async startTLS(certificate) {
      connection = await startTLS(outer, certificate);
    },
    close: () => connection.close(),
  };
  return peer;
}

async function serve(
  connection: Deno.Conn,
  answer: (peer: Peer, command: Uint8Array) => Promise<void> | void,
  { plugin = "mysql_native_password", version = "8.4.0", capabilities = CAPABILITIES, login, tls }:
    FakeOptions,
): Promise<void> {
  const peer = peerOf(connection);
  const challenge = new Uint8Array(randomBytes(20)).map((byte) => byte % 126 + 1);
  const low = [capabilities & 255, (capabilities >> 8) & 255 | (tls === undefined ? 0 : 8)];
  const high = [(capabilities >> 16) & 255, (capabilities >> 24) & 255];
  await peer.send(
    bytes(
      10,
      version,
      0,
      ...[1, 0, 0, 0],
      challenge.subarray(0, 8),
      0,
      ...low,
      45,
      ...[2, 0],
      ...high,
      21,
      new Uint8Array(10),
      challenge.subarray(8),
      0,
      plugin,
      0,
    ),
  );
  if (tls !== undefined) {
    // The request for TLS, and no byte of the handshake behind it.
    await peer.read();
    await peer.startTLS(tls);
  }
  const { payload } = await peer.read();
  if (login === undefined) await peer.send(OK);
  else await login(peer, payload, challenge);
  // The settings of the session.
  await peer.read();
  await peer.send(OK);
  for (;;) {
    const { payload: command } = await peer.read();
    const isFarewell = command[0] === 1;
    if (isFarewell) return;
    if (new TextDecoder().decode(command.subarray(1, 6)) === "KILL ") await peer.send(OK);
    else await answer(peer, command);
  }
}

export function sha256(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** caching_sha2_password as MySQL 8 has it, written from the protocol's documents. */
export function sha2Login(password: string, seen: string[]): NonNullable<FakeOptions["login"]> {
  const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = keys.publicKey.export({ type: "spki", format: "pem" }).toString();
  let isCached = false;
  return async (peer, answer, challenge) => {
    const user = answer.indexOf(0, 32);
    const proof = answer.subarray(user + 2, user + 2 + answer[user + 1]!);
    const once = sha256(utf8.encode(password));
    const mixed = sha256(sha256(once), challenge);
    const isRight = proof.every((byte, i) => byte === (once[i]! ^ mixed[i]!));
    if (isRight && isCached) {
      seen.push("fast");
      return await peer.send(bytes(1, 3), OK);
    }
    await peer.send(bytes(1, 4));
    const request = await peer.read();
    if (new TextDecoder().decode(request.payload) === `${password}\0`) {
      seen.push("clear");
      return await peer.send(OK);
    }
    if (request.payload[0] !== 2) throw new Error("no key was asked for");
    await peer.send(bytes(1, pem));
    const { payload } = await peer.read();
    const plain = privateDecrypt(
      { key: keys.privateKey, padding: constants.RSA_PKCS1_OAEP_PADDING },
      payload,
    );
    const text = new TextDecoder().decode(plain.map((byte, i) => byte ^ challenge[i % 20]!));
    isCached = text === `${password}\0`;
    seen.push(`full ${isCached}`);
    await peer.send(isCached ? OK : failure(1045, "Access denied"));
  };
}

export const open = (server: FakeServer, keys: Record<string, unknown> = {}) =>
  openSession(server.url, { connect_timeout: 5, inactivity_timeout: 2, ...keys }, {
    localFiles: true,
  });
