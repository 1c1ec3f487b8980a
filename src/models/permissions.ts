/** Permission lists: the most that a project or a command line allows. */
import { z } from "zod";

/** A host, with a port if only that port is meant. */
export interface Host {
  /** Lower case; an IPv6 address in its shortest form, without brackets. */
  readonly name: string;
  readonly port?: number;
}

const NAME = /^(?!-)[a-z0-9_-]{1,63}(\.(?!-)[a-z0-9_-]{1,63})*\.?$/;

/** Parses `host`, `host:port`, `[v6]` or `[v6]:port`; undefined for anything else. */
export function parseHost(text: string): Host | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([1-9]\d{0,4}))?$/.exec(text.toLowerCase());
  if (match === null) return undefined;
  const [, v6, plain = "", digits] = match;
  const port = digits === undefined ? {} : { port: Number(digits) };
  if ((port.port ?? 0) > 65_535) return undefined;
  if (v6 === undefined) {
    return NAME.test(plain) && plain.length <= 253
      ? { name: plain.replace(/\.$/, ""), ...port }
      : undefined;
  }
  const url = URL.parse(`http://[${v6}]/`);
  return url === null ? undefined : { name: url.hostname.slice(1, -1), ...port };
}

function isHost(text: string): boolean {
  return parseHost(text) !== undefined;
}

/** A local socket as the runtime names it, with an absolute path. */
const SOCKET = /^unix:\/[^\0,]+$/;

function isPeer(text: string): boolean {
  return isHost(text) || SOCKET.test(text);
}

/** Modules are fetched with TLS, unless the host begins with `http://`. */
function isImportHost(text: string): boolean {
  return isHost(text.replace(/^http:\/\//, ""));
}

export const HOST_SYNTAX =
  "expected host, host:port or [IPv6 address]:port, with a port from 1 to 65535";

const item = z.string().min(1, "expected a value, it is empty");

/** A missing list means no limit of its kind; an empty list allows nothing. */
export const PermissionLists = z.strictObject({
  net: z.array(item.refine(isPeer, HOST_SYNTAX)).optional()
    .describe(
      "Hosts and sockets that may be reached: host, host:port, [IPv6 address]:port, unix:/path",
    ),
  read: z.array(item).optional()
    .describe("Files and folders that may be read, relative to the project's folder"),
  write: z.array(item).optional()
    .describe("Files and folders that may be written, relative to the project's folder"),
  env: z.array(item.regex(/^[^=\0,\s]+$/, "expected the name of a variable")).optional()
    .describe("Environment variables that may be read"),
  ffi: z.array(item).optional()
    .describe("Native libraries that may be loaded, relative to the project's folder"),
  sys: z.array(item.regex(/^[A-Za-z]+$/, "expected a name such as hostname")).optional()
    .describe("Facts of the system that may be read, by Deno's names: hostname, osRelease, …"),
  import: z.array(item.refine(isImportHost, HOST_SYNTAX)).optional()
    .describe("Hosts that external modules may be fetched from; absent: none"),
}).meta({
  id: "Permissions",
  description: "Limits on what a pipeline may need; missing list: no limit, empty list: nothing",
});
export type PermissionLists = z.infer<typeof PermissionLists>;
