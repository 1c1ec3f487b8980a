/** `source_connection: shop` and `target_connection: …` at the top, by name or URL. */
import type { Issues } from "../text/issues.ts";
import { childOf, type MapTree, omitKeys, withEntry } from "../text/tree.ts";

export function fromConnectionKeys(pipeline: MapTree, issues: Issues): MapTree {
  return ["source", "target"].reduce((map, end) => {
    const key = `${end}_connection`;
    const entry = map.entries.get(key);
    if (entry === undefined) return map;
    if (childOf(map, end) === undefined) return withEntry(omitKeys(map, key), end, entry.value);
    issues.add(entry.key, `"${key}" and "${end}" are both there, expected one of them`);
    return omitKeys(map, key);
  }, pipeline);
}
