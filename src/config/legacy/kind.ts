/** Legacy shape: `kind: table|query|view|file|api` next to a source that is a string. */
import { suggestWord } from "../../core/did_you_mean.ts";
import { parseSource } from "../../models/source.ts";
import type { Issues } from "../text/issues.ts";
import { childOf, mapOf, type MapTree, omitKeys, scalar, textOf, withEntry } from "../text/tree.ts";

const KINDS: Readonly<Record<string, (text: string) => Readonly<Record<string, unknown>>>> = {
  table: (name) => ({ type: "relation", name }),
  view: (name) => ({ type: "relation", name }),
  query: (sql) => ({ type: "sql", sql }),
  file: (path) => ({ ...parseSource("filestore", path) }),
  api: (path) => ({ type: "endpoint", path }),
};

export function fromKind(stream: MapTree, issues: Issues): MapTree {
  const kind = childOf(stream, "kind");
  if (kind === undefined) return stream;
  const rest = omitKeys(stream, "kind");
  const name = textOf(kind) ?? "";
  const make = Object.hasOwn(KINDS, name) ? KINDS[name] : undefined;
  if (make === undefined) {
    const known = Object.keys(KINDS);
    issues.add(
      kind.place,
      `"kind" is "${name}", expected ${known.join(", ")}${suggestWord(name, known)}`,
    );
    return rest;
  }
  const source = childOf(stream, "source");
  const text = textOf(source);
  if (source === undefined) return rest;
  if (text === undefined || source.kind !== "scalar") {
    issues.add(kind.place, `"kind" needs a source that is text; a mapping has its own "type"`);
    return rest;
  }
  const entries = Object.entries(make(text)).map(([key, value]) => [
    key,
    key === "type" ? scalar(String(value), kind.place) : source,
  ]);
  return withEntry(rest, "source", mapOf(source.place, Object.fromEntries(entries)));
}
