/** Signs the receipts of runs, and verifies their signatures. */
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
import type { RunReceipt, Signature } from "../models/result.ts";

type Unsigned = Omit<RunReceipt, "signature">;

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
  throw refuse("a public key cannot sign, expected the private one");
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
  if (text.length < SHORTEST) {
    throw refuse(`the secret has ${text.length} characters, expected at least ${SHORTEST}`);
  }
  const digest = (message: Uint8Array) => createHmac("sha256", text).update(message).digest();
  return {
    algorithm: "HMAC-SHA256",
    id: identify(new TextEncoder().encode(text)),
    sign: digest,
    matches: (message, signature) => {
      const wanted = digest(message);
      return wanted.length === signature.length && timingSafeEqual(wanted, signature);
    },
  };
}

const SHORTEST = 16;

function readEd25519(pem: string): ReceiptKey {
  const isPrivate = pem.includes("PRIVATE KEY");
  let key: KeyObject;
  try {
    key = isPrivate ? createPrivateKey(pem) : createPublicKey(pem);
  } catch (error) {
    throw refuse(
      `its PEM cannot be read (${
        messageOf(error)
      }), expected the lines that openssl writes, each on its own`,
    );
  }
  if (key.asymmetricKeyType !== "ed25519") {
    throw refuse(`it is a key of ${key.asymmetricKeyType}, expected Ed25519`);
  }
  const open = isPrivate ? createPublicKey(key) : key;
  return {
    algorithm: "Ed25519",
    id: identify(open.export({ type: "spki", format: "der" })),
    ...(isPrivate ? { sign: (message) => sign(null, message, key) } : {}),
    matches: (message, signature) => verify(null, message, open, signature),
  };
}

function refuse(detail: string): ConfigurationError {
  return new ConfigurationError(`Cannot use the receipt key: ${detail}`);
}

function identify(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

/** Returns a receipt with its signature. */
export function signReceipt(receipt: Unsigned, key: SigningKey): RunReceipt {
  const value = Buffer.from(key.sign(messageFor(receipt))).toString("base64");
  return { ...receipt, signature: { algorithm: key.algorithm, key_id: key.id, value } };
}

/** Returns why the signature of a receipt does not prove it; undefined if it does. */
export function findForgery(
  { signature, ...receipt }: RunReceipt,
  key: ReceiptKey,
): string | undefined {
  if (signature === undefined) return "it is not signed";
  if (signature.key_id !== key.id || signature.algorithm !== key.algorithm) {
    return `key ${signature.key_id} (${signature.algorithm}) has signed it, given is ${key.id} (${key.algorithm})`;
  }
  const value = Buffer.from(signature.value, "base64");
  return key.matches(messageFor(receipt), value) ? undefined : "it was changed after it was signed";
}

/** The bytes that are signed: compact JSON with its keys in the order of their names. */
function messageFor(receipt: Unsigned): Uint8Array {
  const sorted = (_key: string, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => one < other ? -1 : 1))
      : value;
  return new TextEncoder().encode(JSON.stringify(receipt, sorted));
}
