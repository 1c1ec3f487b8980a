/** The keys of a connection, named as libpq names them. */
import { resolve } from "node:path";
import { z } from "zod";
import { ConfigurationError } from "../../../core/errors.ts";
import type { Permissions, Usage } from "../../../core/provider.ts";

const text = z.string().min(1);

export const PostgresConfig = z.strictObject({
  host: text.refine((host) => !/[/,\s]/.test(host), "expected one host name or address")
    .default("localhost").describe("Host name or address; localhost"),
  port: z.int().min(1).max(65_535).default(5432).describe("5432"),
  user: text.describe("Login"),
  password: z.string().optional().describe("Password of the login"),
  database: text.optional().describe("Name of the database; that of the user when absent"),
  schema: text.optional().describe("Schema of names without one; the login's search path"),
  sslmode: z.enum(["disable", "prefer", "require", "verify-ca", "verify-full"]).default("prefer")
    .describe("No TLS, TLS where the server has it, TLS, and the certificate checked; prefer"),
  sslrootcert: text.optional()
    .describe("File with the authorities' certificates in PEM, for verify-ca and verify-full"),
  connect_timeout: z.number().positive().max(3600).default(10)
    .describe("Seconds until a login is given up; 10"),
  inactivity_timeout: z.number().positive().max(86_400).default(600)
    .describe("Seconds that the server may be silent while it is waited for; 600"),
  application_name: text.default("dxt").describe("Name that the server shows; dxt"),
  options: text.optional().describe("Settings of the session, as -c name=value"),
  row_security: z.enum(["off", "on"]).default("off").describe(
    "off: a table of which row-level security would hide rows is refused; on: only the rows that its policies show are read; off",
  ),
}).meta({ id: "Postgres", description: "A PostgreSQL database" });
export type PostgresConfig = z.infer<typeof PostgresConfig>;

const NUMBERS: ReadonlySet<string> = new Set(["port", "connect_timeout", "inactivity_timeout"]);

/** `postgres://user:password@host:port/database?sslmode=require` as the keys of a connection. */
export function fromURL(url: string): Record<string, unknown> {
  let parsed: URL;
  try {
    parsed = new URL(url.replace(/^[\w+.-]+:/, "postgres:"));
  } catch {
    throw new ConfigurationError(
      "Cannot read the postgres URL: expected postgres://user:password@host:port/database, with special characters of the password percent-encoded",
    );
  }
  const keys: Record<string, string> = {
    host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"),
    port: parsed.port,
    user: decode(parsed.username),
    password: decode(parsed.password),
    database: decode(parsed.pathname.slice(1)),
  };
  for (const [name, value] of parsed.searchParams) {
    keys[name === "dbname" ? "database" : name] = value;
  }
  return Object.fromEntries(
    Object.entries(keys).filter(([, value]) => value !== "")
      .map(([name, value]) => [name, NUMBERS.has(name) ? Number(value) : value]),
  );
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** `host:port`, as permissions and messages write it. */
export function address({ host, port }: Pick<PostgresConfig, "host" | "port">): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The connection alone, whatever is done with it: a host name is looked up by the runtime. */
export function permissions(config: PostgresConfig, { baseDirectory }: Usage): Permissions {
  const { sslrootcert, sslmode } = config;
  return {
    net: [address(config)],
    read: sslrootcert === undefined || !sslmode.startsWith("verify-")
      ? []
      : [rootPath(sslrootcert, baseDirectory)],
    write: [],
    env: [],
  };
}

/** A path from the folder of the connection. */
export function rootPath(path: string, baseDirectory: string): string {
  return resolve(baseDirectory, path);
}
