/** Values of a file that no excerpt shows, since any of them may be a secret under a mistyped key. */
import { isMap, isScalar, isSeq, type Node } from "yaml";
import { SECRET_KEY } from "../../core/errors.ts";
import type { SourceText } from "./source_text.ts";

/** Keys of a file below which connections are, in today's shape and in older ones. */
const CONNECTIONS = new Set(["source", "target", "destination", "connections", "connection"]);

/** Keys anywhere in a file below which a class or a request is told what only it knows. */
const SETTINGS = new Set(["config", "headers", "params", "body", "auth"]);

/** Keys of connections whose values say where they lead, and are shown unless they hold a login. */
const PLAIN = new Set([
  ...["provider", "type", "class", "host", "hostname", "port", "database", "dbname"],
  ...["user", "username"],
  ...["schema", "path", "sslmode", "net", "read", "write", "env", "import"],
]);

/** A variable without a default: its value is not in the file. */
const VARIABLE = /^\$\{\w+(?::\?[^}]*)?\}$/;

/** Hides what the connections and the settings of classes in a file say, but for where they lead. */
export function hideValues(contents: Node | null, source: SourceText): void {
  visit(contents, { key: "", depth: 0, within: "file" }, source);
}

interface Spot {
  /** Of the value, or of the list that it is in. */
  readonly key: string;
  readonly depth: number;
  /** A `reference` is the name or the URL of a connection. */
  readonly within: "file" | "reference" | "settings";
}

function visit(node: Node | null, spot: Spot, source: SourceText): void {
  if (isMap(node)) {
    for (const { key, value } of node.items as { key: Node; value: Node | null }[]) {
      const name = isScalar(key) ? String(key.value) : "";
      visit(
        value,
        { key: name, depth: spot.depth + 1, within: withinOf(name, value, spot) },
        source,
      );
    }
  } else if (isSeq(node)) {
    for (const item of node.items) visit(item as Node, spot, source);
  } else if (isScalar(node) && node.range) {
    const [from, to] = node.range;
    const text = String(node.value);
    if (VARIABLE.test(text)) return;
    const kept = spot.within === "file" && !SECRET_KEY.test(spot.key)
      ? text.length
      : isURL(spot)
      ? shownOfURL(text)
      : spot.within === "settings" && PLAIN.has(spot.key) && !/[@=]/.test(text)
      ? text.length
      : 0;
    if (kept === text.length) return;
    const at = kept === 0 ? from : source.text.indexOf(text.slice(0, kept), from) + kept;
    source.hide(at < from ? from : at, to);
  }
}

function withinOf(name: string, value: Node | null, { key, depth, within }: Spot): Spot["within"] {
  // Older shapes have a pipeline within the file.
  const isTop = depth === 0 || (depth === 1 && key === "pipeline");
  const begins = isTop && CONNECTIONS.has(name) || SETTINGS.has(name);
  if (within === "settings" || (begins && !isScalar(value))) return "settings";
  return begins ? "reference" : within;
}

function isURL({ key, within }: Spot): boolean {
  return within === "reference" || (within === "settings" && /(^|_)(url|connection)$/.test(key));
}

/** Characters of a URL that are shown: not its query, and nothing where what is a login is unsure. */
function shownOfURL(text: string): number {
  if (text.includes("@") && !URL.canParse(text)) return 0;
  const query = text.indexOf("?");
  return query < 0 ? text.length : query + 1;
}

/** From the key of a connection to the next key of the file. */
const SECTION = new RegExp(
  `^["']?(?:${[...CONNECTIONS].join("|")})["']?\\s*:.*(?:\\n(?![\\w"']).*)*`,
  "gm",
);
const ENTRY = /([\w-]+)["']?[ \t]*:[ \t]+("[^"\n]*"?|'[^'\n]*'?|[^\s{[|>"',}\]][^,}\]\n]*)/g;
const LINE = /^[ \t-]*["']?([\w-]+)["']?[ \t]*:[ \t]+([^\s{[|>].*)$/gm;

/** As {@linkcode hideValues}, for a file that does not parse: what looks like a connection's value. */
export function hideUnparsed(source: SourceText): void {
  for (const { 0: section, index } of source.text.matchAll(SECTION)) {
    for (const pattern of [LINE, ENTRY]) {
      for (const found of section.matchAll(pattern)) {
        const [whole, key, value] = found as unknown as [string, string, string];
        const isShown = PLAIN.has(key) || CONNECTIONS.has(key);
        if (isShown && !/[@=]/.test(value)) continue;
        const end = index + found.index + whole.length;
        source.hide(end - value.length, end);
      }
    }
  }
}
