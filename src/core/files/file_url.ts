/** Parses `file:` URLs, as browsers, Python and SQLite write them. */
import { ConfigurationError } from "../errors.ts";

/**
 * Returns the path in a `file:` URL. It is absolute in `file:/x`, `file:///x` and `file://localhost/x`, and
 * relative in `file:x` and `file:./x`.
 *
 * @throws {ConfigurationError} for a URL with a host, a query or a fragment
 */
export function readFileURL(url: string): string {
  const rest = url.replace(/^file:/i, "");
  if (/[?#]/.test(rest)) {
    throw new ConfigurationError(
      `Cannot use URL "${url}": it has ${
        rest.includes("?") ? "a query" : "a fragment"
      }, expected a path alone; in a path, ? is %3F and # is %23`,
    );
  }
  try {
    if (!rest.startsWith("/")) return decodeURIComponent(rest);
    const { hostname, pathname } = new URL(url);
    if (hostname === "") return withoutDriveSlash(decodeURIComponent(pathname));
  } catch {
    // An invalid URL, or an invalid percent-encoding.
  }
  throw new ConfigurationError(
    `Cannot use URL "${url}": expected a local path, such as file:///data/in or file:./in`,
  );
}

/** Removes the first slash of `/C:/x` on Windows. */
function withoutDriveSlash(path: string): string {
  return Deno.build.os === "windows" ? path.replace(/^\/(?=[a-z]:)/i, "") : path;
}
