/** Spells a connection argument as a pipeline file does, without secrets. */
import type { ConnectionSpec } from "./connection.ts";
import type { ArgumentKind } from "./classify_argument.ts";
import { getChild, getText } from "../text/tree.ts";
import type { Variables } from "../text/variables.ts";

export interface Reference {
  readonly reference: string | Readonly<Record<string, string>>;
  /** Variable in the reference that the user still has to set. */
  readonly unset?: string;
  /** Name of the database, file or folder, from which new files are named. */
  readonly name: string;
}

/** @param secrets in the URL and the keys of the connection */
export function describeConnection(
  written: string,
  { tree, kind, dataset }: ArgumentKind,
  { url, config }: ConnectionSpec,
  secrets: readonly string[],
  variables: Variables,
): Reference {
  const path = getText(getChild(tree, "path"));
  if (path !== undefined) {
    const provider = kind === "database" ? "sqlite" : "local";
    return { reference: { provider, path: escapeDollars(path) }, name: baseName(dataset ?? path) };
  }
  if (kind === "name") return { reference: written, name: baseName(written) };
  const name = baseName(url ?? String(config["path"] ?? ""));
  const text = getText(tree)!;
  if (dataset === undefined && text !== written) return { reference: written, name };
  if (secrets.length === 0) return { reference: escapeDollars(text), name };
  // The shell has expanded this variable on the command line.
  const known = variables.findName(text);
  if (known !== undefined) return { reference: `\${${known}}`, name };
  const unset = `${name.toUpperCase().replace(/^(?=\d)/, "DB_")}_URL`;
  return { reference: `\${${unset}}`, unset, name };
}

/** In a file, `$` may start a variable. */
function escapeDollars(text: string): string {
  return text.replaceAll("$", "$$$$");
}

/** The last name in a URL or path, without file extension. */
function baseName(text: string): string {
  const path = text.replace(/[?#].*$/s, "").replace(/^[a-z][\w+.-]+:/i, "").replace(
    /^\/\/[^/]*@/,
    "//",
  );
  const parts = path.split(/[/\\]/).filter((part) => part !== "" && part !== "." && part !== "..");
  const last = (parts.at(-1) ?? "").replace(/(?<=.)\.\w+$/, "").replace(/:\d+$/, "");
  const name = last.normalize("NFC").replace(/[^A-Za-z0-9_]+/g, "_").replace(/^_+|_+$/g, "");
  return name === "" ? "pipeline" : name;
}
