/** How a file says a connection that the command line named: without secrets. */
import type { ConnectionSpec } from "./connection.ts";
import type { ArgumentKind } from "./classify_argument.ts";
import { childOf, textOf } from "../text/tree.ts";
import type { Variables } from "../text/variables.ts";

export interface Reference {
  readonly reference: string | Readonly<Record<string, string>>;
  /** Variable of the reference that has no value yet. */
  readonly unset?: string;
  /** A name for what is made of it. */
  readonly name: string;
}

/** @param secrets of the connection's URL and keys */
export function describeConnection(
  written: string,
  { tree, kind, dataset }: ArgumentKind,
  { url, config }: ConnectionSpec,
  secrets: readonly string[],
  variables: Variables,
): Reference {
  const path = textOf(childOf(tree, "path"));
  if (path !== undefined) {
    const provider = kind === "database" ? "sqlite" : "local";
    return { reference: { provider, path: escaped(path) }, name: nameOf(dataset ?? path) };
  }
  if (kind === "name") return { reference: written, name: nameOf(written) };
  const name = nameOf(url ?? String(config["path"] ?? ""));
  const text = textOf(tree)!;
  if (text !== written) return { reference: written, name };
  if (secrets.length === 0) return { reference: escaped(text), name };
  // The shell took the URL from there.
  const known = variables.nameOf(text);
  if (known !== undefined) return { reference: `\${${known}}`, name };
  const unset = `${name.toUpperCase().replace(/^(?=\d)/, "DB_")}_URL`;
  return { reference: `\${${unset}}`, unset, name };
}

/** In a file `$` may begin a variable. */
function escaped(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** The last part of a URL or path that is a name, without an ending. */
function nameOf(text: string): string {
  const path = text.replace(/[?#].*$/s, "").replace(/^[a-z][\w+.-]+:/i, "").replace(
    /^\/\/[^/]*@/,
    "//",
  );
  const parts = path.split(/[/\\]/).filter((part) => part !== "" && part !== "." && part !== "..");
  const last = (parts.at(-1) ?? "").replace(/(?<=.)\.\w+$/, "").replace(/:\d+$/, "");
  const name = last.normalize("NFC").replace(/[^A-Za-z0-9_]+/g, "_").replace(/^_+|_+$/g, "");
  return name === "" ? "pipeline" : name;
}
