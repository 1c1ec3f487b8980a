/** Keys of a connection over TCP and TLS, named as libpq names them. */
import { resolve } from "node:path";
import { z } from "zod";
import type { Permissions, Usage } from "../../core/contracts/provider.ts";
import { describedEnum } from "../../models/describe.ts";
import { type Address, formatAddress } from "./address.ts";

export const TLS_KEYS = {
  sslmode: describedEnum({
    disable: "No TLS",
    prefer: "TLS where the server has it; the certificate is not checked",
    require: "TLS; the certificate is not checked",
    "verify-ca": "TLS with a certificate of a known authority",
    "verify-full": "TLS with a certificate of a known authority for this host",
  }).default("prefer")
    .describe(
      "No TLS, TLS where the server has it, TLS, and the certificate checked (default: prefer)",
    ),
  sslrootcert: z.string().min(1).optional()
    .describe("File with the authorities' certificates in PEM, for verify-ca and verify-full"),
  sslcert: z.string().min(1).optional()
    .describe("PEM file with the client's certificate; needs sslkey"),
  sslkey: z.string().min(1).optional().describe("PEM file with the private key of sslcert"),
  sslpassword: z.string().optional().describe("Password of an encrypted sslkey"),
};

export const TIMEOUT_KEYS = {
  connect_timeout: z.number().positive().max(3600).default(10)
    .describe("Seconds until a login is given up (default: 10)"),
  inactivity_timeout: z.number().positive().max(86_400).default(600)
    .describe("Seconds that the server may be silent while it is waited for (default: 600)"),
};

/** The keys of TLS, as they are given. */
export interface TLSKeys {
  readonly sslmode: "disable" | "prefer" | "require" | "verify-ca" | "verify-full";
  readonly sslrootcert?: string | undefined;
  readonly sslcert?: string | undefined;
  readonly sslkey?: string | undefined;
  readonly sslpassword?: string | undefined;
}

/** Arguments of a schema's `refine`: requires a certificate and its key together. */
export const COMPLETE_CERTIFICATE = [
  ({ sslcert, sslkey }: Pick<TLSKeys, "sslcert" | "sslkey">) =>
    (sslcert === undefined) === (sslkey === undefined),
  { path: ["sslcert"] as string[], message: "expected sslcert and sslkey together" },
] as const;

/**
 * Permissions for connections to these servers, whatever their use. The runtime itself looks up host names,
 * so that a name server needs no permission.
 */
export function serverPermissions(
  servers: readonly Address[],
  keys: TLSKeys,
  { baseDirectory }: Pick<Usage, "baseDirectory">,
): Partial<Permissions> {
  const sockets = servers.flatMap(({ path }) => path ?? []);
  return {
    net: servers.map((server) =>
      `${server.path === undefined ? "" : "unix:"}${formatAddress(server)}`
    ),
    // The runtime requires both to connect to a socket.
    read: [...tlsFiles(keys).map((file) => resolve(baseDirectory, file)), ...sockets],
    write: sockets,
  };
}

/** The files that the keys of TLS name. */
function tlsFiles({ sslmode, sslrootcert, sslcert, sslkey }: TLSKeys): string[] {
  return [
    ...(sslmode.startsWith("verify-") ? [sslrootcert] : []),
    ...(sslmode === "disable" ? [] : [sslcert, sslkey]),
  ].flatMap((path) => path === undefined ? [] : [path]);
}
