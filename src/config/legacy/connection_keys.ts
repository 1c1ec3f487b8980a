/** Legacy shape: `source_connection: shop` and `target_connection: …`, each a name or a URL. */
import type { Issues } from "../text/issues.ts";
import { getChild, type MapTree, omitKeys, withEntry } from "../text/tree.ts";

export function fromConnectionKeys(pipeline: MapTree, issues: Issues): MapTree {
  return ["source", "target"].reduce((map, end) => {
    const key = `${end}_connection`;
    const entry = map.entries.get(key);
    if (entry === undefined) return map;
    if (getChild(map, end) === undefined) return withEntry(omitKeys(map, key), end, entry.value);
    issues.add(entry.key, `"${key}" and "${end}" are both set, expected one of them`);
    return omitKeys(map, key);
  }, pipeline);
}
