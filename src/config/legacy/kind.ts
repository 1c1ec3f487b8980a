/** Legacy shape: `kind: table|query|view|file|api` next to a source that is a string. */
import { suggestWord } from "../../core/did_you_mean.ts";
import { parseSource } from "../../models/source.ts";
import type { Issues } from "../text/issues.ts";
import {
  getChild,
  getText,
  makeMap,
  type MapTree,
  omitKeys,
  scalar,
  withEntry,
} from "../text/tree.ts";

const KINDS: Readonly<Record<string, (text: string) => Readonly<Record<string, unknown>>>> = {
  table: (name) => ({ type: "relation", name }),
  view: (name) => ({ type: "relation", name }),
  query: (sql) => ({ type: "sql", sql }),
  file: (path) => ({ ...parseSource("filestore", path) }),
  api: (path) => ({ type: "endpoint", path }),
};

export function fromKind(stream: MapTree, issues: Issues): MapTree {
  const kind = getChild(stream, "kind");
  if (kind === undefined) return stream;
  const rest = omitKeys(stream, "kind");
  const name = getText(kind) ?? "";
  const make = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (make === undefined) {
    const known = Object.keys(KINDS);
    issues.add(
      kind.place,
      `"kind" is "${name}", expected ${known.join(", ")}${suggestWord(name, known)}`,
    );
    return rest;
  }
  const source = getChild(stream, "source");
  const text = getText(source);
  if (source === undefined) return rest;
  if (text === undefined || source.kind !== "scalar") {
    issues.add(kind.place, `"kind" needs a source that is text; a mapping has its own "type"`);
    return rest;
  }
  const entries = Object.entries(make(text)).map(([key, value]) => [
    key,
    key === "type" ? scalar(String(value), kind.place) : source,
  ]);
  return withEntry(rest, "source", makeMap(source.place, Object.fromEntries(entries)));
}
