/**
 * The login plugins: each proves that the client knows the password.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods.html
 * https://mariadb.com/kb/en/connection/#client_ed25519-plugin
 */
import { constants, createHash, publicEncrypt } from "node:crypto";
import { ConnectionError } from "../../../../core/errors.ts";
import { signWithPassword } from "./ed25519.ts";
import { decode, encodeZeroEnded } from "./packets.ts";

const utf8 = new TextEncoder();

/** Bytes of a challenge; a zero byte may follow. */
const CHALLENGE_BYTES = 20;
const ED25519_CHALLENGE_BYTES = 32;

type Prove = (password: string, challenge: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** The first answer to a challenge, by plugin. None sends the password in clear text. */
const PLUGINS: Readonly<Record<string, Prove>> = {
  mysql_native_password: (password, challenge) =>
    scramble("sha1", password, (twice) => [challenge.subarray(0, CHALLENGE_BYTES), twice]),
  caching_sha2_password: (password, challenge) =>
    scramble("sha256", password, (twice) => [twice, challenge.subarray(0, CHALLENGE_BYTES)]),
  client_ed25519: (password, challenge) => {
    if (challenge.length < ED25519_CHALLENGE_BYTES) {
      throw new ConnectionError(
        `the server's challenge for client_ed25519 has ${challenge.length} bytes, expected ${ED25519_CHALLENGE_BYTES}`,
      );
    }
    return signWithPassword(utf8.encode(password), challenge.subarray(0, ED25519_CHALLENGE_BYTES));
  },
};

/**
 * Chooses the plugin of the first answer, which is sent before the server looks up the user. The greeting's
 * challenge may be too short for other plugins than these two.
 */
export function choosePlugin(greeted: string): string {
  return greeted === "caching_sha2_password" ? greeted : "mysql_native_password";
}

/** @throws {ConnectionError} for a plugin that is not supported */
export async function provePassword(
  plugin: string,
  password: string,
  challenge: Uint8Array,
): Promise<Uint8Array> {
  const prove = Object.hasOwn(PLUGINS, plugin) ? PLUGINS[plugin] : undefined;
  if (prove !== undefined) return await prove(password, challenge);
  throw new ConnectionError(
    `the server asks for the login plugin "${plugin}", supported are ${
      Object.keys(PLUGINS).join(", ")
    }`,
  );
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

/** Steps of caching_sha2_password: the server accepts the proof, or asks for the password itself. */
const [FAST, FULL] = [3, 4];
const PUBLIC_KEY_REQUEST = Uint8Array.of(2);

/** What the login may send over a connection. */
export interface LoginChannel {
  /** The connection uses TLS, or a socket of this machine. */
  readonly isPrivate: boolean;
  /** Whether to trust a public key that comes without TLS, which an attacker may have sent. */
  readonly trustsPublicKey: boolean;
  /** Sends the payload, if any, and returns the server's next one. */
  ask(payload?: Uint8Array): Promise<Uint8Array>;
}

/**
 * Answers a plugin that asks for the password itself after the first proof: in clear text over a private
 * channel, otherwise encrypted with the server's key.
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
    throw new ConnectionError(`the server asks for a step that ${plugin} does not have`);
  }
  if (more[0] === FAST) return await channel.ask();
  if (more[0] !== FULL) throw new ConnectionError(`the server asks ${plugin} for step ${more[0]}`);
  const secret = encodeZeroEnded(password);
  if (channel.isPrivate) return await channel.ask(secret);
  if (!channel.trustsPublicKey) {
    throw new ConnectionError(
      "the server wants the password, which goes over TLS, or encrypted with a key that the server sends: set sslmode to require or higher, or allow_public_key_retrieval to true",
    );
  }
  const answer = await channel.ask(PUBLIC_KEY_REQUEST);
  const masked = secret.map((byte, i) => byte ^ challenge[i % CHALLENGE_BYTES]!);
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
