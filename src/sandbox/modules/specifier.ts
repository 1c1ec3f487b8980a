/** What the name in an import means. */
import { ConfigurationError, withoutSecrets } from "../../core/errors.ts";
import type { Import } from "./imports.ts";
import { ownModule } from "./code.ts";

const ALLOWED = 'expected a relative path, an https: or jsr: URL, "dxt" or "zod"';

/**
 * The URL that an import of a module means, `jsr:` still to be looked up, or the name of a module
 * of dxt; undefined for one that may never be reached and is refused when it is.
 *
 * @throws {ConfigurationError} that names the module, its line and what is allowed
 */
export function resolveImport(
  { specifier, dynamic, line }: Import,
  referrer: string,
): string | undefined {
  const own = ownModule(specifier);
  if (own !== undefined) return own;
  const refuse = (detail: string) => {
    if (dynamic) return undefined;
    const at = line === undefined ? "" : `, line ${line}`;
    throw new ConfigurationError(
      `Cannot import "${specifier}" in module "${withoutSecrets(referrer)}"${at}: ${detail}`,
    );
  };
  const base = specifier.startsWith("/") || /^\.\.?\//.test(specifier) ? referrer : undefined;
  const url = URL.parse(specifier, base);
  if (url === null) return refuse(`it names no module, ${ALLOWED}`);
  url.hash = "";
  switch (url.protocol) {
    case "https:":
    case "http:":
    case "jsr:":
      return url.href;
    case "file:":
      return referrer.startsWith("file:")
        ? url.href
        : refuse("a module that was fetched may not import a file of this machine");
    case "node:":
      return refuse(`modules of the runtime are closed to external code, ${ALLOWED}`);
    case "npm:":
      return refuse(`npm packages cannot be confined, ${ALLOWED}`);
    default:
      return refuse(`"${url.protocol}" is no place for modules, ${ALLOWED}`);
  }
}

/**
 * The URL of the module that a class path names.
 *
 * @throws {ConfigurationError} when no module can be there
 */
export function resolveEntry(path: string, directory: URL): string {
  const isPath = /^(\.{0,2}\/|\.\.?\\|[a-z]:[\\/])/i.test(path);
  const url = isPath ? new URL(path.replaceAll("\\", "/"), directory) : URL.parse(path);
  if (url !== null && /^(https?|file|jsr):$/.test(url.protocol)) {
    url.hash = "";
    return url.href;
  }
  const detail = url?.protocol === "npm:"
    ? "npm packages cannot be confined, a server of modules that has it can be named by its https: URL"
    : "expected an https:, file: or jsr: URL, or a path that begins with ./ or /";
  throw new ConfigurationError(`Cannot load "${withoutSecrets(path)}": ${detail}`);
}
