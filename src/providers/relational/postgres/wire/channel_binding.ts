/** Binds a login to its TLS connection: https://www.rfc-editor.org/rfc/rfc5929 */
import { createHash, X509Certificate } from "node:crypto";

/** Digest of a server's certificate (`tls-server-end-point`); undefined where its kind has none. */
export function certificateHash(certificate: Uint8Array): Uint8Array | undefined {
  const { signatureAlgorithm = "" } = new X509Certificate(certificate) as {
    readonly signatureAlgorithm?: string;
  };
  const found = /md5|sha-?(1|224|256|384|512)/i.exec(signatureAlgorithm);
  if (found === null) return undefined;
  const [, bits = "1"] = found;
  // MD5 and SHA-1 are too weak: the standard takes SHA-256 in their place.
  return createHash(bits === "1" ? "sha256" : `sha${bits}`).update(certificate).digest();
}
