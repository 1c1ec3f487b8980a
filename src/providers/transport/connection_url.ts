/** Parses URLs of servers as libpq does: `scheme://user:password@host:port,host:port/database?option=value`. */
import { ConfigurationError } from "../../core/errors.ts";

/** The meaning of a URL's option: another name of a key, or a function that returns keys for its value. */
export type OptionMeaning = string | ((value: string) => Readonly<Record<string, string>>);

const NUMBERS: ReadonlySet<string> = new Set(["port", "connect_timeout", "inactivity_timeout"]);

/**
 * Returns the keys of a connection in a URL: `host` and `port` (several are separated by commas), `user`,
 * `password`, `database` and the options, all percent-decoded. Empty values are left out.
 * https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS
 *
 * @param meanings of the options that are not keys themselves
 * @throws {ConfigurationError} that does not quote the URL, which may contain a password
 */
export function serverKeys(
  url: string,
  system: string,
  meanings: Readonly<Record<string, OptionMeaning>> = {},
): Record<string, string | number> {
  const [, authority, path = "", query = ""] =
    /^[\w+.-]+:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url) ?? [];
  const hosts = authority?.slice(authority.lastIndexOf("@") + 1).split(",").map((host) =>
    /^(?:\[([\da-f:.]+(?:%[\w%.-]+)?)\]|([^:[\]\s]*))(?::(\d{0,5}))?$/i.exec(host)
  );
  if (authority === undefined || hosts?.every((host) => host !== null) !== true) {
    throw new ConfigurationError(
      `Cannot read the ${system} URL: expected ${system}://user:password@host:port/database, with special characters of the password percent-encoded`,
    );
  }
  const [, user = "", password = ""] = /^([^:]*)(?::(.*))?$/s.exec(
    authority.slice(0, Math.max(authority.lastIndexOf("@"), 0)),
  )!;
  const ports = hosts.map((host) => host![3] ?? "");
  const keys: Record<string, string> = {
    host: hosts.map((host) => decode(host![1] ?? host![2]!)).join(","),
    port: ports.some((port) => port !== "") ? ports.join(",") : "",
    user: decode(user),
    password: decode(password),
    database: decode(path),
  };
  for (const [name, value] of readOptions(query)) {
    const meaning = Object.hasOwn(meanings, name) ? meanings[name]! : name;
    Object.assign(keys, typeof meaning === "string" ? { [meaning]: value } : meaning(value));
  }
  return Object.fromEntries(
    Object.entries(keys).filter(([, value]) => value !== "")
      .map(([name, value]) => [name, isNumber(name, value) ? Number(value) : value]),
  );
}

/** Whether a value is read as a number; a list of ports remains text. */
function isNumber(name: string, value: string): boolean {
  return NUMBERS.has(name) && !(name === "port" && value.includes(","));
}

/** Returns the options of a URL in their order. A plus sign stands for itself, as in paths and passwords. */
export function readOptions(query: string): [name: string, value: string][] {
  return query.split("&").filter((part) => part !== "").map((part) => {
    const [, name, value = ""] = /^([^=]*)(?:=(.*))?$/s.exec(part)!;
    return [decode(name!), decode(value)];
  });
}

/** Decodes percent-encoding; returns an invalidly encoded part unchanged. */
export function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
