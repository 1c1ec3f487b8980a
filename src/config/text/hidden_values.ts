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

/** Text that may contain a login: `user:password@host`, `password=…`. */
const LOGIN = /[@=]/;

/**
 * A copy of the settings of a connection or a class, as JSON, without the values that excerpts in errors hide.
 * Numbers and booleans stay, but for those of secret keys.
 */
export function maskSettings(settings: unknown, key = ""): unknown {
  if (Array.isArray(settings)) return settings.map((one) => maskSettings(one, key));
  if (typeof settings === "object" && settings !== null) {
    return Object.fromEntries(
      Object.entries(settings).map(([name, value]) => [name, maskSettings(value, name)]),
    );
  }
  if (typeof settings !== "string") return SECRET_KEY.test(key) ? "***" : settings;
  return settings.slice(0, countVisible(settings, { key, depth: 0, within: "settings" })) || "***";
}

/** Keys, at any depth, whose values are settings that dxt does not know. */
export function isSettingsKey(key: string): boolean {
  return SETTINGS.has(key);
}

/** The place of a value in the file, which decides how much of it is shown. */
interface Spot {
  /** Key of the value, or of the list that contains it. */
  readonly key: string;
  readonly depth: number;
  /** A `reference` is a connection name or URL; `settings` are those of a connection or class. */
  readonly within: "file" | "reference" | "settings";
}

/** Hides the values of connections and class settings, except for {@linkcode VISIBLE} keys. */
export function hideValues(contents: Node | null, source: SourceText): void {
  visit(contents, { key: "", depth: 0, within: "file" }, source);
}

function visit(node: Node | null, spot: Spot, source: SourceText): void {
  if (isMap(node)) {
    for (const { key, value } of node.items as { key: Node; value: Node | null }[]) {
      const name = isScalar(key) ? String(key.value) : "";
      visit(value, enterKey(name, value, spot), source);
    }
  } else if (isSeq(node)) {
    for (const item of node.items) visit(item as Node, spot, source);
  } else if (isScalar(node) && node.range) {
    const [from, to] = node.range;
    hideEnd(String(node.value), from, to, spot, source);
  }
}

function enterKey(name: string, value: Node | null, { key, depth, within }: Spot): Spot {
  // A legacy shape nests the pipeline under a key.
  const isTop = depth === 0 || (depth === 1 && key === "pipeline");
  const begins = (isTop && CONNECTIONS.has(name)) || SETTINGS.has(name);
  const isSettings = within === "settings" || (begins && !isScalar(value));
  return {
    key: name,
    depth: depth + 1,
    within: isSettings ? "settings" : begins ? "reference" : within,
  };
}

/** Hides a value from the first character that may be secret; the value begins at `from`. */
function hideEnd(value: string, from: number, to: number, spot: Spot, source: SourceText): void {
  const visible = countVisible(value, spot);
  if (visible === value.length) return;
  const start = source.text.indexOf(value.slice(0, visible), from);
  // A value with escapes is hidden completely.
  source.hide(visible === 0 || start < 0 ? from : start + visible, to);
}

/** How many leading characters of a value are shown. */
function countVisible(value: string, { key, within }: Spot): number {
  if (VARIABLE.test(value)) return value.length;
  if (within === "file" && !SECRET_KEY.test(key)) return value.length;
  const isURL = within === "reference" ||
    (within === "settings" && /(^|_)(url|connection)$/.test(key));
  if (isURL) return countBeforeQuery(value);
  const isShown = within === "settings" && VISIBLE.has(key) && !LOGIN.test(value);
  return isShown ? value.length : 0;
}

/** Length of a URL up to its query, with the question mark; 0 when its login is invalid. */
function countBeforeQuery(url: string): number {
  if (url.includes("@") && !URL.canParse(url)) return 0;
  const query = url.indexOf("?");
  return query < 0 ? url.length : query + 1;
}

/** A section of the file from the key of a connection to the next top-level key. */
const SECTION = new RegExp(
  `^["']?(?:${[...CONNECTIONS].join("|")})["']?\\s*:.*(?:\\n(?![\\w"']).*)*`,
  "gm",
);
/** An entry anywhere on a line, as in `{ key: value }`, and one that is a line of its own. */
const ENTRY = /([\w-]+)["']?[ \t]*:[ \t]+("[^"\n]*"?|'[^'\n]*'?|[^\s{[|>"',}\]][^,}\]\n]*)/g;
const LINE = /^[ \t-]*["']?([\w-]+)["']?[ \t]*:[ \t]+([^\s{[|>].*)$/gm;

/** Like {@linkcode hideValues}, for a file that does not parse; recognizes values by patterns. */
export function hideUnparsed(source: SourceText): void {
  for (const { 0: section, index } of source.text.matchAll(SECTION)) {
    for (const pattern of [LINE, ENTRY]) {
      for (const found of section.matchAll(pattern)) {
        const [whole, key, value] = found as unknown as [string, string, string];
        const isShown = VISIBLE.has(key) || CONNECTIONS.has(key);
        if (isShown && !LOGIN.test(value)) continue;
        const end = index + found.index + whole.length;
        source.hide(end - value.length, end);
      }
    }
  }
}
