/** Seals the receipts of runs with a digest and a signature, and verifies both. */
import { Buffer } from "node:buffer";
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
} from "node:crypto";
import { ConfigurationError, messageOf } from "../core/errors.ts";
import { sortMembers } from "../core/values/sorted_json.ts";
import type { RunReceipt, Signature } from "../models/result.ts";

type Unsealed = Omit<RunReceipt, "digest" | "signature">;

/** Characters of a secret. */
const SHORTEST_SECRET = 16;

/** A key that signs receipts, or only verifies them. */
export interface ReceiptKey extends Pick<Signature, "algorithm"> {
  /** Identifies the key without showing it. */
  readonly id: string;
  /** Unset for a public key. */
  sign?(message: Uint8Array): Uint8Array;
  matches(message: Uint8Array, signature: Uint8Array): boolean;
}

/** A key that signs receipts. */
export type SigningKey = ReceiptKey & Required<Pick<ReceiptKey, "sign">>;

/**
 * Reads a key that signs.
 *
 * @throws {ConfigurationError} as {@linkcode readReceiptKey}, and for a public key
 */
export function readSigningKey(text: string): SigningKey {
  const key = readReceiptKey(text);
  if (canSign(key)) return key;
  throw refuseKey("a public key cannot sign, expected the private one");
}

function canSign(key: ReceiptKey): key is SigningKey {
  return key.sign !== undefined;
}

/**
 * Reads a key: PEM of an Ed25519 key (RFC 8410), which signs as in RFC 8032, or else a secret of at least 16
 * characters for HMAC-SHA256 (RFC 2104).
 *
 * @throws {ConfigurationError} for a key of another kind, and for a secret that is too short
 */
export function readReceiptKey(text: string): ReceiptKey {
  if (text.includes("-----BEGIN ")) return readEd25519(text);
  if (text.length < SHORTEST_SECRET) {
    throw refuseKey(
      `the secret has ${text.length} characters, expected at least ${SHORTEST_SECRET}`,
    );
  }
  const digest = (message: Uint8Array) => createHmac("sha256", text).update(message).digest();
  return {
    algorithm: "HMAC-SHA256",
    id: identifyKey(new TextEncoder().encode(text)),
    sign: digest,
    matches: (message, signature) => {
      const expected = digest(message);
      return expected.length === signature.length && timingSafeEqual(expected, signature);
    },
  };
}

function readEd25519(pem: string): ReceiptKey {
  const isPrivate = pem.includes("PRIVATE KEY");
  let key: KeyObject;
  try {
    key = isPrivate ? createPrivateKey(pem) : createPublicKey(pem);
  } catch (error) {
    throw refuseKey(
      `its PEM cannot be read (${
        messageOf(error)
      }), expected the lines that openssl writes, each on its own`,
    );
  }
  if (key.asymmetricKeyType !== "ed25519") {
    throw refuseKey(`it is a key of ${key.asymmetricKeyType}, expected Ed25519`);
  }
  const publicKey = isPrivate ? createPublicKey(key) : key;
  return {
    algorithm: "Ed25519",
    id: identifyKey(publicKey.export({ type: "spki", format: "der" })),
    ...(isPrivate ? { sign: (message) => sign(null, message, key) } : {}),
    matches: (message, signature) => verify(null, message, publicKey, signature),
  };
}

function refuseKey(detail: string): ConfigurationError {
  return new ConfigurationError(`Cannot use the receipt key: ${detail}`);
}

function identifyKey(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

/** Returns a receipt with its digest, and with a signature where a key is given. */
export function sealReceipt(receipt: Unsealed, key: SigningKey | undefined): RunReceipt {
  const content = encodeContent(receipt);
  const digest = computeDigest(content);
  if (key === undefined) return { ...receipt, digest };
  const value = Buffer.from(key.sign(content)).toString("base64");
  return { ...receipt, digest, signature: { algorithm: key.algorithm, key_id: key.id, value } };
}

/**
 * Returns why a receipt is not as it was written; undefined if it is. Without a key, only an accident is
 * noticed: a forger computes the digest of the changed receipt.
 */
export function findTampering(
  { digest, signature, ...receipt }: RunReceipt,
  key: ReceiptKey | undefined,
): string | undefined {
  const content = encodeContent(receipt);
  if (digest !== computeDigest(content)) return "it was changed after it was written";
  if (key === undefined) return undefined;
  if (signature === undefined) return "it is not signed";
  if (signature.key_id !== key.id || signature.algorithm !== key.algorithm) {
    return `key ${signature.key_id} (${signature.algorithm}) has signed it, given is ${key.id} (${key.algorithm})`;
  }
  const value = Buffer.from(signature.value, "base64");
  return key.matches(content, value) ? undefined : "its signature is not that of the key";
}

function computeDigest(content: Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The bytes of digest and signature: compact JSON with its members in the order of their names. */
function encodeContent(receipt: Unsealed): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(receipt, sortMembers));
}
