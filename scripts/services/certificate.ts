/**
 * Creates a certificate authority, a server certificate for 127.0.0.1 and localhost, and a client
 * certificate for each run, so that the repository contains no private key.
 * X.509: https://www.rfc-editor.org/rfc/rfc5280
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";

const utf8 = new TextEncoder();

function der(tag: number, ...parts: Uint8Array[]): Uint8Array {
  const body = concat(parts);
  const size = body.length < 0x80
    ? [body.length]
    : body.length < 0x100
    ? [0x81, body.length]
    : [0x82, body.length >> 8, body.length & 0xff];
  return concat([Uint8Array.of(tag, ...size), body]);
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
const oid = (...bytes: number[]) => der(0x06, Uint8Array.from(bytes));
const octets = (bytes: Uint8Array) => der(0x04, bytes);
const bits = (bytes: Uint8Array) => der(0x03, Uint8Array.of(0), bytes);
const time = (date: string) => der(0x17, utf8.encode(date));
const yes = der(0x01, Uint8Array.of(0xff));

const ECDSA_WITH_SHA256 = sequence(oid(0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02));
const encodeName = (common: string) =>
  sequence(der(0x31, sequence(oid(0x55, 0x04, 0x03), der(0x0c, utf8.encode(common)))));
const AUTHORITY_EXTENSIONS = sequence(
  sequence(oid(0x55, 0x1d, 0x13), yes, octets(sequence(yes))),
  sequence(oid(0x55, 0x1d, 0x0f), yes, octets(der(0x03, Uint8Array.of(1, 0x06)))),
);
const SERVER_EXTENSIONS = sequence(
  sequence(
    oid(0x55, 0x1d, 0x11),
    octets(sequence(
      der(0x82, utf8.encode("localhost")),
      der(0x87, Uint8Array.of(127, 0, 0, 1)),
    )),
  ),
);

/** clientAuth */
const CLIENT_EXTENSIONS = sequence(
  sequence(
    oid(0x55, 0x1d, 0x25),
    octets(sequence(oid(0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x02))),
  ),
);

function certificate(
  subject: string,
  publicKey: KeyObject,
  issuer: string,
  issuerKey: KeyObject,
  extensions: Uint8Array,
): string {
  const serial = randomBytes(8);
  serial[0]! &= 0x7f;
  serial[0]! |= 0x01;
  const body = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))),
    der(0x02, serial),
    ECDSA_WITH_SHA256,
    encodeName(issuer),
    sequence(time("200101000000Z"), time("491231235959Z")),
    encodeName(subject),
    new Uint8Array(publicKey.export({ type: "spki", format: "der" })),
    der(0xa3, extensions),
  );
  const signature = new Uint8Array(sign("sha256", body, issuerKey));
  return pem("CERTIFICATE", sequence(body, ECDSA_WITH_SHA256, bits(signature)));
}

function pem(label: string, bytes: Uint8Array): string {
  const lines = bytes.toBase64().match(/.{1,64}/g)!.join("\n");
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

/** All in PEM. */
export interface Certificates {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  /** Of the client whose login is its common name. */
  readonly client: { readonly certificate: string; readonly key: string };
}

export function makeCertificates(clientName = "client"): Certificates {
  const authority = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const server = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const client = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const issuer = `dxt tests ${randomBytes(4).toString("hex")}`;
  return {
    authority: certificate(
      issuer,
      authority.publicKey,
      issuer,
      authority.privateKey,
      AUTHORITY_EXTENSIONS,
    ),
    certificate: certificate(
      "localhost",
      server.publicKey,
      issuer,
      authority.privateKey,
      SERVER_EXTENSIONS,
    ),
    key: server.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    client: {
      certificate: certificate(
        clientName,
        client.publicKey,
        issuer,
        authority.privateKey,
        CLIENT_EXTENSIONS,
      ),
      key: client.privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    },
  };
}
