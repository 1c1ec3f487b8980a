/**
 * The login of a connection: the server's greeting, and the ways to prove a password.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html
 */
import { constants, createHash, publicEncrypt } from "node:crypto";
import { ConnectionError } from "../../../../core/errors.ts";
import { decode, PayloadReader } from "./packets.ts";

export const CAPABILITY = {
  connectWithDatabase: 0x8,
  localFiles: 0x80,
  protocol41: 0x200,
  tls: 0x800,
  transactions: 0x2000,
  secureConnection: 0x8000,
  pluginAuth: 0x8_0000,
  deprecateEOF: 0x100_0000,
} as const;

/** Number of utf8mb4_general_ci, which every server since 5.5.3 has. */
const UTF8MB4 = 45;
/** Longest packet that the client takes. */
const MAX_PACKET = 0x4000_0000;

const utf8 = new TextEncoder();

export interface Greeting {
  /** As the server writes it, for example `10.11.6-MariaDB-0+deb12u1`. */
  readonly version: string;
  readonly connectionId: number;
  readonly capabilities: number;
  readonly challenge: Uint8Array;
  readonly plugin: string;
}

/** @throws {ConnectionError} when it is not the greeting of such a server */
export function parseGreeting(payload: Uint8Array): Greeting {
  const reader = new PayloadReader(payload);
  const protocol = reader.uint8();
  if (protocol !== 10) {
    throw new ConnectionError(`the server speaks protocol ${protocol}, wanted is 10`);
  }
  const version = decode(reader.untilZero());
  const connectionId = reader.uint32();
  const first = reader.take(8);
  reader.uint8();
  const low = reader.uint16();
  reader.take(3);
  const capabilities = (low | reader.uint16() << 16) >>> 0;
  reader.take(11);
  if ((capabilities & CAPABILITY.secureConnection) === 0) {
    throw new ConnectionError(`the server ${version} is older than MySQL 5.5`);
  }
  const challenge = Uint8Array.of(...first, ...reader.take(12));
  reader.untilZero();
  const named = (capabilities & CAPABILITY.pluginAuth) !== 0;
  const plugin = named ? decode(reader.untilZero()) : "mysql_native_password";
  return {
    version: version.replace(/^5\.5\.5-/, ""),
    connectionId,
    capabilities,
    challenge,
    plugin,
  };
}

/** What the client is able to do, of what the server is. */
export function chooseCapabilities(
  { capabilities }: Greeting,
  options: { readonly database: string | undefined; readonly localFiles: boolean },
): number {
  const wanted = 1 | CAPABILITY.protocol41 | CAPABILITY.transactions | CAPABILITY.secureConnection |
    CAPABILITY.pluginAuth | CAPABILITY.deprecateEOF |
    (options.database === undefined ? 0 : CAPABILITY.connectWithDatabase) |
    (options.localFiles ? CAPABILITY.localFiles : 0);
  return (wanted & capabilities) >>> 0;
}

function loginHead(capabilities: number): Uint8Array {
  const head = new Uint8Array(32);
  const view = new DataView(head.buffer);
  view.setUint32(0, capabilities, true);
  view.setUint32(4, MAX_PACKET, true);
  head[8] = UTF8MB4;
  return head;
}

/** Asks for TLS, before anything else is said. */
export function tlsRequest(capabilities: number): Uint8Array {
  return loginHead(capabilities | CAPABILITY.tls);
}

export function loginPacket(
  capabilities: number,
  login: { readonly user: string; readonly database: string | undefined },
  plugin: string,
  proof: Uint8Array,
): Uint8Array {
  const withDatabase = (capabilities & CAPABILITY.connectWithDatabase) !== 0;
  return Uint8Array.of(
    ...loginHead(capabilities),
    ...zeroEnded(login.user),
    proof.length,
    ...proof,
    ...(withDatabase ? zeroEnded(login.database!) : []),
    ...((capabilities & CAPABILITY.pluginAuth) === 0 ? [] : zeroEnded(plugin)),
  );
}

function zeroEnded(text: string): Uint8Array {
  if (text.includes("\0")) throw new ConnectionError("a login holds the character U+0000");
  return utf8.encode(`${text}\0`);
}

/** Plugins by which a password is proven. */
const PLUGINS = ["mysql_native_password", "caching_sha2_password"];

/**
 * The first answer to a challenge.
 *
 * @throws {ConnectionError} for a plugin that is not known, and for one that sends the password as clear text
 */
export function provePassword(
  plugin: string,
  password: string,
  challenge: Uint8Array,
): Uint8Array {
  switch (plugin) {
    case "mysql_native_password":
      return scramble("sha1", password, (twice) => [challenge, twice]);
    case "caching_sha2_password":
      return scramble("sha256", password, (twice) => [twice, challenge]);
    default:
      throw new ConnectionError(
        `the server wants authentication by ${plugin}, known are ${PLUGINS.join(", ")}`,
      );
  }
}

function scramble(
  algorithm: string,
  password: string,
  mix: (twice: Uint8Array) => Uint8Array[],
): Uint8Array {
  if (password === "") return new Uint8Array();
  const once = digest(algorithm, utf8.encode(password));
  const mixed = digest(algorithm, ...mix(digest(algorithm, once)));
  return once.map((byte, i) => byte ^ mixed[i]!);
}

function digest(algorithm: string, ...parts: Uint8Array[]): Uint8Array {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** Says of caching_sha2_password: the server knows the proof, or wants the password itself. */
const [FAST, FULL] = [3, 4];
const PUBLIC_KEY_REQUEST = Uint8Array.of(2);

/** What the login may send over a connection. */
export interface LoginChannel {
  /** TLS, or a socket of this machine. */
  readonly isPrivate: boolean;
  /** Whether a key that the server sends without TLS is trusted; anybody between could have sent it. */
  readonly trustsPublicKey: boolean;
  /** Sends a payload, when there is one, and returns the next that comes. */
  ask(payload?: Uint8Array): Promise<Uint8Array>;
}

/**
 * Answers what a plugin asks after the first proof: the password itself. It goes over a private channel
 * as it is, else encrypted with the server's key.
 *
 * @returns the payload that follows
 */
export async function continueLogin(
  plugin: string,
  password: string,
  challenge: Uint8Array,
  more: Uint8Array,
  channel: LoginChannel,
): Promise<Uint8Array> {
  if (plugin !== "caching_sha2_password" || more.length !== 1) {
    throw new ConnectionError(`the server asks ${plugin} for more than it has`);
  }
  if (more[0] === FAST) return await channel.ask();
  if (more[0] !== FULL) throw new ConnectionError(`the server asks ${plugin} for step ${more[0]}`);
  const secret = zeroEnded(password);
  if (channel.isPrivate) return await channel.ask(secret);
  if (!channel.trustsPublicKey) {
    throw new ConnectionError(
      "the server wants the password, which goes over TLS, or encrypted with a key that the server sends: set sslmode to require or higher, or allow_public_key_retrieval to true",
    );
  }
  const answer = await channel.ask(PUBLIC_KEY_REQUEST);
  const masked = secret.map((byte, i) => byte ^ challenge[i % challenge.length]!);
  let encrypted: Uint8Array;
  try {
    const key = decode(answer.subarray(1));
    const padding = constants.RSA_PKCS1_OAEP_PADDING;
    encrypted = new Uint8Array(publicEncrypt({ key, padding }, masked));
  } catch (error) {
    throw new ConnectionError("the server's public key cannot be read", { cause: error });
  }
  return await channel.ask(encrypted);
}
