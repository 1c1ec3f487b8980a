/** Legacy shape: `criteria: {where: …}` next to a stream's source. */
import { suggestWord } from "../../core/did_you_mean.ts";
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

export function fromCriteria(stream: MapTree, issues: Issues): MapTree {
  const criteria = getChild(stream, "criteria");
  if (criteria === undefined) return stream;
  const rest = omitKeys(stream, "criteria");
  if (criteria.kind !== "map") {
    issues.add(criteria.place, `"criteria" is not a mapping, expected {where: …}`);
    return rest;
  }
  for (const [key, { key: place }] of criteria.entries) {
    if (key !== "where") {
      issues.add(place, `unknown key "${key}"${suggestWord(key, ["where"]) || ", known is where"}`);
    }
  }
  const where = criteria.entries.get("where");
  const source = getChild(stream, "source");
  if (where === undefined || source === undefined) return rest;
  if (source.kind === "scalar") {
    const relation = { type: scalar("relation", source.place), name: source, where: where.value };
    return withEntry(rest, "source", makeMap(source.place, relation));
  }
  const type = getText(getChild(source, "type"));
  if (source.kind !== "map" || type !== "relation") {
    issues.add(where.key, `"criteria.where" needs a table or a view, but the source is ${type}`);
    return rest;
  }
  if (source.entries.has("where")) {
    issues.add(where.key, `"where" is set twice, in source and in criteria`);
    return rest;
  }
  return withEntry(rest, "source", withEntry(source, "where", where.value));
}
