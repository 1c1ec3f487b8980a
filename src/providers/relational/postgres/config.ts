/** The keys of a connection, named as libpq names them. */
import { z } from "zod";
import { formatAddress as formatHostOrPath } from "../../transport/address.ts";
import {
  COMPLETE_CERTIFICATE,
  serverPermissions,
  TIMEOUT_KEYS,
  TLS_KEYS,
} from "../../transport/connection_keys.ts";
import { type OptionMeaning, serverKeys } from "../../transport/connection_url.ts";
import { describedEnum } from "../../../models/describe.ts";
import { SessionKinds } from "./wire/session_kind.ts";
import type { Permissions, Usage } from "../../../core/contracts/provider.ts";

const text = z.string().min(1);
const DEFAULT_PORT = 5432;

const Keys = z.strictObject({
  host: text.refine(
    isHostList,
    "expected host names, addresses or socket folders, separated by commas",
  )
    .default("localhost").describe(
      "Host name, address, or folder of a unix socket such as /var/run/postgresql; of several, separated by commas, dxt tries each in turn (default: localhost)",
    ),
  port: z.union([
    z.int().min(1).max(65_535),
    z.string().regex(
      /^\d{0,5}(,\d{0,5})*$/,
      "expected a port, or one for each host, separated by commas",
    ),
  ]).default(DEFAULT_PORT).describe(
    "Port of the server, or one for each host, separated by commas (default: 5432)",
  ),
  user: text.describe("Login"),
  password: z.string().optional().describe("Password of the login"),
  database: text.optional().describe("Name of the database (default: name of the user)"),
  schema: text.optional().describe(
    "Schema of names without one (default: the login's search path)",
  ),
  ...TLS_KEYS,
  channel_binding: describedEnum({
    disable: "Never",
    prefer: "Where the server offers it",
    require: "Fails where the server does not offer it",
  }).default("prefer").describe(
    "Binds a SCRAM login to the server's certificate, so that a man in the middle cannot use it: never, if the server supports it, or always (default: prefer)",
  ),
  target_session_attrs: SessionKinds.default("any").describe(
    "Connect to the first host of this kind, such as a primary or a standby (default: any)",
  ),
  ...TIMEOUT_KEYS,
  application_name: text.default("dxt").describe("Name that the server shows (default: dxt)"),
  options: text.optional().describe("Settings of the session, as -c name=value"),
  row_security: describedEnum({
    off: "Refuses a table if policies hide some of its rows",
    on: "Reads the rows that the policies show",
  }).default("off").describe(
    "off: dxt refuses a table if row-level security hides rows from the login; on: dxt reads only the rows that the policies show (default: off)",
  ),
});

export const PostgresConfig = Keys
  .refine(
    ({ host, port }) => [1, host.split(",").length].includes(String(port).split(",").length),
    { path: ["port"], message: "expected one port, or as many as there are hosts" },
  )
  .refine(...COMPLETE_CERTIFICATE)
  .meta({ id: "Postgres", description: "A PostgreSQL database" });
export type PostgresConfig = z.infer<typeof PostgresConfig>;

function isHostList(hosts: string): boolean {
  return hosts.split(",").every((host) => host.startsWith("/") || /^[^/\s]+$/.test(host));
}

/** Options of other programs: JDBC's names of keys, and libpq's word for the default authorities. */
const URL_OPTIONS: Readonly<Record<string, OptionMeaning>> = {
  dbname: "database",
  currentSchema: "schema",
  sslrootcert: (file) => ({ sslrootcert: file === "system" ? "" : file }),
};

/** Reads `postgres://user:password@host:port/database?sslmode=require`. A socket's folder is `%2Frun%2F…`. */
export function fromURL(url: string): Record<string, string | number> {
  return serverKeys(url, "postgres", URL_OPTIONS);
}

/** One server. */
export interface Address {
  /** A name or an address, or an absolute path: the folder of the socket. */
  readonly host: string;
  readonly port: number;
}

/** The servers of a connection, in the order in which they are tried. */
export function listAddresses({ host, port }: Pick<PostgresConfig, "host" | "port">): Address[] {
  const ports = String(port).split(",");
  return host.split(",").map((one, i) => ({
    host: one,
    port: Number(ports.length === 1 ? ports[0] : ports[i]) || DEFAULT_PORT,
  }));
}

/** `host:port` as permissions and messages write it, or the path of a socket. */
export function formatAddress(server: Address): string {
  return formatHostOrPath({ ...server, path: socketPath(server) });
}

/** The socket of a server on this machine; undefined for one that is reached over the network. */
export function socketPath({ host, port }: Address): string | undefined {
  return host.startsWith("/") ? `${host.replace(/\/+$/, "")}/.s.PGSQL.${port}` : undefined;
}

export function permissions(config: PostgresConfig, usage: Usage): Partial<Permissions> {
  const servers = listAddresses(config).map((server) => ({ ...server, path: socketPath(server) }));
  return serverPermissions(servers, config, usage);
}
