/**
 * Signatures of MariaDB's ed25519 plugin. It hashes the password where Ed25519 hashes a key of 32 bytes, so
 * the runtime's cryptography cannot sign for it. A library computes with the points of the curve.
 * https://mariadb.com/kb/en/authentication-plugin-ed25519/
 */
import { createHash } from "node:crypto";

/** Returns the signature of a message by RFC 8032, with the hashed password as the hashed key. */
export async function signWithPassword(
  password: Uint8Array,
  message: Uint8Array,
): Promise<Uint8Array> {
  // Loaded on demand, since few servers ask for it.
  const { Point } = await import("noble-ed25519");
  const { n: order } = Point.CURVE();
  const hash = sha512(password);
  const prefix = hash.subarray(32);
  const clamped = hash.slice(0, 32);
  clamped[0]! &= 248;
  clamped[31] = clamped[31]! & 63 | 64;
  const scalar = readInteger(clamped) % order;
  const publicKey = Point.BASE.multiply(scalar).toBytes();
  const nonce = readInteger(sha512(prefix, message)) % order;
  const point = Point.BASE.multiply(nonce).toBytes();
  const challenge = readInteger(sha512(point, publicKey, message)) % order;
  return Uint8Array.of(...point, ...writeInteger((nonce + challenge * scalar) % order));
}

function sha512(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha512");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** Little-endian. */
function readInteger(bytes: Uint8Array): bigint {
  return BigInt(`0x${bytes.toReversed().toHex()}`);
}

function writeInteger(value: bigint): Uint8Array {
  return Uint8Array.fromHex(value.toString(16).padStart(64, "0")).reverse();
}
