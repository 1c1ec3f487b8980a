/** Resolves import specifiers and class paths to URLs. */
import { ConfigurationError, withoutSecrets } from "../../../core/errors.ts";
import type { Import } from "./imports.ts";
import { ownModule } from "../code.ts";

const ALLOWED = 'expected a relative path, an https: or jsr: URL, "dxt" or "zod"';

/**
 * Resolves an import to a URL, which may be a `jsr:` name, or to the name of one of dxt's modules.
 * Returns undefined for a dynamic import that is not allowed: the worker refuses it if it is
 * evaluated.
 *
 * @throws {ConfigurationError} that names the module, the line and what is allowed
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
  if (url === null) return refuse(`it is not the name of a module, ${ALLOWED}`);
  url.hash = "";
  switch (url.protocol) {
    case "https:":
    case "http:":
    case "jsr:":
      return url.href;
    case "file:":
      return referrer.startsWith("file:")
        ? url.href
        : refuse("a fetched module may not import a local file");
    case "node:":
      return refuse(`modules of the runtime are not available to untrusted code, ${ALLOWED}`);
    case "npm:":
      return refuse(`npm packages cannot be confined, ${ALLOWED}`);
    default:
      return refuse(`"${url.protocol}" URLs are not supported for modules, ${ALLOWED}`);
  }
}

/**
 * Resolves the module of a class path to a URL.
 *
 * @throws {ConfigurationError} when the path cannot lead to a module
 */
export function resolveEntry(path: string, directory: URL): string {
  const isPath = /^(\.{0,2}\/|\.\.?\\|[a-z]:[\\/])/i.test(path);
  const url = isPath ? new URL(path.replaceAll("\\", "/"), directory) : URL.parse(path);
  if (url !== null && /^(https?|file|jsr):$/.test(url.protocol)) {
    url.hash = "";
    return url.href;
  }
  const detail = url?.protocol === "npm:"
    ? "npm packages cannot be confined, expected the https: URL of a module server that has it"
    : "expected an https:, file: or jsr: URL, or a path that begins with ./ or /";
  throw new ConfigurationError(`Cannot load "${withoutSecrets(path)}": ${detail}`);
}
