/** The keys of a connection, named as those of PostgreSQL are. */
import { z } from "zod";
import type { Permissions, Usage } from "../../../core/contracts/provider.ts";
import { ConfigurationError } from "../../../core/errors.ts";
import type { Address } from "../../transport/address.ts";
import {
  COMPLETE_CERTIFICATE,
  serverPermissions,
  TIMEOUT_KEYS,
  TLS_KEYS,
} from "../../transport/connection_keys.ts";
import { type OptionMeaning, serverKeys } from "../../transport/connection_url.ts";

const text = z.string().min(1);

export const MySQLConfig = z.strictObject({
  host: text.default("localhost").describe(
    "Host name, address, or path of a unix socket such as /run/mysqld/mysqld.sock (default: localhost)",
  ),
  port: z.int().min(1).max(65_535).default(3306).describe("Port of the server (default: 3306)"),
  user: text.describe("Login"),
  password: z.string().optional().describe("Password of the login"),
  database: text.optional().describe("Database of names without one"),
  ...TLS_KEYS,
  allow_public_key_retrieval: z.boolean().default(false).describe(
    "true: a password for caching_sha2_password may go without TLS, encrypted with a key that the server sends (default: false)",
  ),
  ...TIMEOUT_KEYS,
}).refine(...COMPLETE_CERTIFICATE).meta({ id: "MySQL", description: "A MySQL or MariaDB server" });
export type MySQLConfig = z.infer<typeof MySQLConfig>;

/** Names of MySQL's own programs and of other drivers. */
const URL_OPTIONS: Readonly<Record<string, OptionMeaning>> = {
  "ssl-mode": (mode) => ({ sslmode: SSL_MODES[mode.toLowerCase()] ?? mode }),
  "ssl-ca": "sslrootcert",
  "ssl-cert": "sslcert",
  "ssl-key": "sslkey",
  socket: "host",
  unix_socket: "host",
  // dxt always speaks utf8mb4.
  charset: (name): Readonly<Record<string, string>> =>
    /^utf8(mb[34])?$/i.test(name) ? {} : { charset: name },
};

const SSL_MODES: Readonly<Record<string, string>> = {
  disabled: "disable",
  preferred: "prefer",
  required: "require",
  verify_ca: "verify-ca",
  verify_identity: "verify-full",
};

/** `mysql://user:password@host:port/database?sslmode=require` as the keys of a connection. */
export function fromURL(url: string): Record<string, unknown> {
  const { allow_public_key_retrieval: retrieval, ...keys } = serverKeys(url, "mysql", URL_OPTIONS);
  if (String(keys["host"]).includes(",")) {
    throw new ConfigurationError(
      `Cannot read the mysql URL: it has the hosts ${
        keys["host"]
      }, expected one; MySQL does not tell which of them takes writes`,
    );
  }
  const flag = { true: true, false: false }[String(retrieval)] ?? retrieval;
  return { ...keys, ...(flag === undefined ? {} : { allow_public_key_retrieval: flag }) };
}

/** Where the server is: a host that is a path is its socket. */
export function getAddress({ host, port }: Pick<MySQLConfig, "host" | "port">): Address {
  return host.startsWith("/") ? { host, port, path: host } : { host, port };
}

export function permissions(config: MySQLConfig, usage: Usage): Partial<Permissions> {
  return serverPermissions([getAddress(config)], config, usage);
}
