/** Parses YAML 1.2, of which JSON is a subset, into a tree with places. */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
} from "yaml";
import { hideUnparsed, hideValues } from "./hidden_values.ts";
import { type Issues, type Place } from "./issues.ts";
import type { SourceText } from "./source_text.ts";
import { type Entry, type MapTree, type Scalar, scalar, type Tree } from "./tree.ts";
import { hideEnvironment } from "./hide_environment.ts";

/** Largest file; a pipeline of ten thousand streams is smaller. */
export const MAX_BYTES = 8 * 1024 * 1024;
const MAX_DEPTH = 64;
/** Most values after aliases are expanded: a few lines of YAML can expand to billions. */
const MAX_VALUES = 500_000;

const TAGS = new Set(
  ["str", "int", "float", "bool", "null", "map", "seq"].map((name) => `tag:yaml.org,2002:${name}`),
);

const SYNTAX: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: "a tab indents this line, expected spaces",
  BAD_SCALAR_START: "a value cannot start with @ or `: put it in quotes",
  BLOCK_AS_IMPLICIT_KEY: "a second key on the same line, or a line that is indented too far: " +
    "put a value that holds a colon and a space in quotes",
  MULTILINE_IMPLICIT_KEY: "a key must be on one line: is a quote, or a colon after a key, missing",
  RESOURCE_EXHAUSTION: `nested deeper than ${MAX_DEPTH} levels`,
  BAD_INDENT: "wrong indentation, or a bracket that is not closed",
};

/** Parses the one document of a file; returns undefined when issues were added. */
export function parseYAML(source: SourceText, issues: Issues): Tree | undefined {
  const place = (offset: number): Place => ({ source, offset });
  if (source.text.length > MAX_BYTES) {
    issues.add(place(0), `the file is larger than ${MAX_BYTES} bytes`);
    return undefined;
  }
  let documents;
  try {
    documents = hideEnvironment(() =>
      parseAllDocuments(source.text, {
        version: "1.2",
        schema: "core",
        merge: false,
        uniqueKeys: false,
        stringKeys: false,
        intAsBigInt: true,
        prettyErrors: false,
        keepSourceTokens: false,
        lineCounter: new LineCounter(),
        logLevel: "silent",
      })
    );
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    issues.add(place(0), `the file is nested deeper than ${MAX_DEPTH} levels`);
    return undefined;
  }
  const first = "empty" in documents ? undefined : documents[0];
  if (first?.contents === null || first === undefined) {
    issues.add(place(0), "the file is empty, expected a mapping");
    return undefined;
  }
  source.beforeExcerpt(() => hideValues(first.contents as Node, source));
  const error = [...first.errors, ...first.warnings][0];
  if (error !== undefined) source.beforeExcerpt(() => hideUnparsed(source));
  const quote = error === undefined ? undefined : openQuote(first, error.pos[0]);
  if (quote !== undefined) {
    issues.add(place(quote), "this quote is not closed");
    return undefined;
  }
  if (error !== undefined) {
    const offset = Math.min(error.pos[0], source.text.length);
    const variable = source.text.startsWith("${", offset - 1);
    const message = variable
      ? "a variable inside { } or [ ] needs quotes"
      : SYNTAX[error.code] ?? lowerFirst(error.message);
    issues.add(place(variable ? offset - 1 : offset), message);
    return undefined;
  }
  if (first.directives?.yaml.explicit === true && first.directives.yaml.version !== "1.2") {
    issues.add(place(0), `the file is YAML ${first.directives.yaml.version}, expected 1.2`);
    return undefined;
  }
  const second = documents[1];
  if (second !== undefined) {
    issues.add(
      place(second.range[0]),
      "a second document starts here, expected one document per file",
    );
    return undefined;
  }
  return new Reader(source, issues).read(first.contents as Node);
}

/** Start of the quoted text in which the parser failed at `end`. */
function openQuote({ errors, contents }: Document.Parsed, end: number): number | undefined {
  if (errors[0]?.code !== "MISSING_CHAR" || !errors[0].message.endsWith("quote")) return undefined;
  let start: number | undefined;
  visit(contents, {
    Scalar(_, { type, range }) {
      if (type?.startsWith("QUOTE") && range?.[1] === end) start = range[0];
    },
  });
  return start;
}

function lowerFirst(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

class Reader {
  readonly #anchors = new Map<string, { tree: Tree; size: number }>();
  readonly #heights = new WeakMap<Tree, number>();
  #values = 0;
  #full = false;

  constructor(readonly source: SourceText, readonly issues: Issues) {}

  read(node: Node): Tree | undefined {
    const tree = this.#tree(node, 0);
    return this.#full ? undefined : tree;
  }

  #place(node: Node): Place {
    return { source: this.source, offset: node.range?.[0] ?? 0 };
  }

  #tree(node: Node, depth: number): Tree {
    const place = this.#place(node);
    if (this.#full) return scalar(null, place);
    if (isAlias(node)) return this.#alias(node.source, place, depth);
    if (depth > MAX_DEPTH) return this.#stop(place, `nested deeper than ${MAX_DEPTH} levels`);
    const before = this.#values;
    if (++this.#values > MAX_VALUES) {
      return this.#stop(place, `the file has more than ${MAX_VALUES} values`);
    }
    if (node.tag !== undefined && !TAGS.has(node.tag)) {
      this.issues.add(place, `unknown tag "${node.tag}", expected plain values`);
    }
    const tree = this.#value(node, place, depth);
    this.#heights.set(tree, this.#measureHeight(tree));
    const { anchor } = node as { anchor?: string };
    if (anchor !== undefined) this.#anchors.set(anchor, { tree, size: this.#values - before });
    return tree;
  }

  #value(node: Node, place: Place, depth: number): Tree {
    if (isMap(node)) return this.#map(node.items as Pair[], place, depth);
    if (isSeq(node)) {
      const items = node.items.map((item) => this.#tree(item as Node, depth + 1));
      return { kind: "list", items, place };
    }
    const { value, source } = node as { value: unknown; source?: string };
    return scalar(exact(value, source), place);
  }

  #measureHeight(tree: Tree): number {
    if (tree.kind === "scalar") return 0;
    const below = tree.kind === "list"
      ? tree.items
      : [...tree.entries.values()].map((e) => e.value);
    return below.reduce((most, value) => Math.max(most, 1 + (this.#heights.get(value) ?? 0)), 0);
  }

  #alias(name: string, place: Place, depth: number): Tree {
    const found = this.#anchors.get(name);
    if (found === undefined) {
      this.issues.add(place, `alias "*${name}" has no anchor "&${name}" before it`);
      return { ...scalar(null, place), broken: true };
    }
    this.#values += found.size;
    if (depth + this.#heights.get(found.tree)! > MAX_DEPTH) {
      return this.#stop(place, `nested deeper than ${MAX_DEPTH} levels`);
    }
    if (this.#values > MAX_VALUES) {
      return this.#stop(place, `aliases make more than ${MAX_VALUES} values`);
    }
    return found.tree;
  }

  #stop(place: Place, message: string): Tree {
    this.issues.add(place, message);
    this.#full = true;
    return scalar(null, place);
  }

  #map(pairs: readonly Pair[], place: Place, depth: number): MapTree {
    const entries = new Map<string, Entry>();
    const merged: Tree[] = [];
    for (const { key, value } of pairs) {
      const keyPlace = this.#place(key);
      const tree = value === null ? scalar(null, keyPlace) : this.#tree(value, depth + 1);
      const name = keyText(key);
      if (name === undefined) this.issues.add(keyPlace, "a key must be text");
      else if (name === "__proto__") this.issues.add(keyPlace, `a key must not be "${name}"`);
      else if (name === "<<" && (key as { type?: string }).type === "PLAIN") {
        merged.push(...(tree.kind === "list" ? tree.items : [tree]));
        const wrong = merged.find(({ kind }) => kind !== "map");
        if (wrong !== undefined) {
          this.issues.add(wrong.place, "<< merges only mappings");
        }
      } else if (entries.has(name)) {
        const { line } = this.source.position(entries.get(name)!.key.offset);
        this.issues.add(keyPlace, `key "${name}" occurs twice, first on line ${line}`);
      } else entries.set(name, { key: keyPlace, value: tree });
    }
    for (const other of merged) {
      if (other.kind !== "map") continue;
      for (const [name, entry] of other.entries) {
        if (!entries.has(name)) entries.set(name, entry);
      }
    }
    return { kind: "map", entries, place };
  }
}

interface Pair {
  readonly key: Node;
  readonly value: Node | null;
}

/** Text of a key, also of one such as 2024 or true. */
function keyText(key: Node): string | undefined {
  if (!isScalar(key)) return undefined;
  return typeof key.value === "string" ? key.value : key.source;
}

/** Keeps the text of a number that a double cannot hold exactly. */
function exact(value: unknown, source: string | undefined): Scalar {
  if (typeof value === "bigint") {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : source ?? String(value);
  }
  if (typeof value === "number" && Number.isFinite(value)) {
    const digits = (source ?? "").replace(/e.*$/i, "").replace(/\D/g, "").replace(/^0+/, "");
    return digits.length <= 15 ? value : source ?? value;
  }
  return value as Scalar;
}
