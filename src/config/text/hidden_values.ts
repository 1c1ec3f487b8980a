/** Values of a file that excerpts in errors hide: a mistyped key may hold a secret. */
import { isMap, isScalar, isSeq, type Node } from "yaml";
import { SECRET_KEY } from "../../core/errors.ts";
import type { SourceText } from "./source_text.ts";

/** Keys that contain connections, in the current shape and in legacy ones. */
const CONNECTIONS = new Set(["source", "target", "destination", "connections", "connection"]);

/** Keys, at any depth, that contain settings of a class or a request, unknown to dxt. */
const SETTINGS = new Set(["config", "headers", "params", "body", "auth"]);

/** Keys of connections whose values are shown unless they contain a login. */
const VISIBLE = new Set([
  ...["provider", "type", "class", "host", "hostname", "port", "database", "dbname"],
  ...["user", "username"],
  ...["schema", "path", "sslmode", "net", "read", "write", "env", "ffi", "sys", "import"],
]);

/** A variable without default, whose value is not in the file. */
const VARIABLE = /^\$\{\w+(?::\?[^}]*)?\}$/;

/** Hides the values of connections and class settings, except for {@linkcode VISIBLE} keys. */
export function hideValues(contents: Node | null, source: SourceText): void {
  visit(contents, { key: "", depth: 0, within: "file" }, source);
}

interface Spot {
  /** Key of the value, or of the list that contains it. */
  readonly key: string;
  readonly depth: number;
  /** A `reference` is a connection name or URL. */
  readonly within: "file" | "reference" | "settings";
}

function visit(node: Node | null, spot: Spot, source: SourceText): void {
  if (isMap(node)) {
    for (const { key, value } of node.items as { key: Node; value: Node | null }[]) {
      const name = isScalar(key) ? String(key.value) : "";
      visit(
        value,
        { key: name, depth: spot.depth + 1, within: enterKey(name, value, spot) },
        source,
      );
    }
  } else if (isSeq(node)) {
    for (const item of node.items) visit(item as Node, spot, source);
  } else if (isScalar(node) && node.range) {
    const [from, to] = node.range;
    const text = String(node.value);
    if (VARIABLE.test(text)) return;
    const visible = spot.within === "file" && !SECRET_KEY.test(spot.key)
      ? text.length
      : isURL(spot)
      ? visibleOfURL(text)
      : spot.within === "settings" && VISIBLE.has(spot.key) && !/[@=]/.test(text)
      ? text.length
      : 0;
    if (visible === text.length) return;
    const at = visible === 0 ? from : source.text.indexOf(text.slice(0, visible), from) + visible;
    source.hide(at < from ? from : at, to);
  }
}

function enterKey(name: string, value: Node | null, { key, depth, within }: Spot): Spot["within"] {
  // A legacy shape nests the pipeline under a key.
  const isTop = depth === 0 || (depth === 1 && key === "pipeline");
  const begins = isTop && CONNECTIONS.has(name) || SETTINGS.has(name);
  if (within === "settings" || (begins && !isScalar(value))) return "settings";
  return begins ? "reference" : within;
}

function isURL({ key, within }: Spot): boolean {
  return within === "reference" || (within === "settings" && /(^|_)(url|connection)$/.test(key));
}

/** Characters of a URL that are shown: all before its query; none when it has an invalid login. */
function visibleOfURL(text: string): number {
  if (text.includes("@") && !URL.canParse(text)) return 0;
  const query = text.indexOf("?");
  return query < 0 ? text.length : query + 1;
}

/** A section of the file from the key of a connection to the next top-level key. */
const SECTION = new RegExp(
  `^["']?(?:${[...CONNECTIONS].join("|")})["']?\\s*:.*(?:\\n(?![\\w"']).*)*`,
  "gm",
);
const ENTRY = /([\w-]+)["']?[ \t]*:[ \t]+("[^"\n]*"?|'[^'\n]*'?|[^\s{[|>"',}\]][^,}\]\n]*)/g;
const LINE = /^[ \t-]*["']?([\w-]+)["']?[ \t]*:[ \t]+([^\s{[|>].*)$/gm;

/** Like {@linkcode hideValues}, for a file that does not parse; recognizes values by patterns. */
export function hideUnparsed(source: SourceText): void {
  for (const { 0: section, index } of source.text.matchAll(SECTION)) {
    for (const pattern of [LINE, ENTRY]) {
      for (const found of section.matchAll(pattern)) {
        const [whole, key, value] = found as unknown as [string, string, string];
        const isShown = VISIBLE.has(key) || CONNECTIONS.has(key);
        if (isShown && !/[@=]/.test(value)) continue;
        const end = index + found.index + whole.length;
        source.hide(end - value.length, end);
      }
    }
  }
}
