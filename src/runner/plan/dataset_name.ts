/** Names datasets of a source or a target in messages. */
import type { StreamRef } from "../../models/source.ts";

/** The name, path or text of a dataset. */
export function datasetName(ref: StreamRef): string {
  if ("name" in ref) {
    return "schema" in ref && ref.schema !== undefined ? `${ref.schema}.${ref.name}` : ref.name;
  }
  if ("path" in ref) return ref.path;
  if ("pattern" in ref) return ref.pattern;
  return "sql" in ref ? ref.sql.replace(/\s+/g, " ").trim() : ref.type;
}

/** The type of a source and the text that names it: `relation "orders"`, `the query`. */
export function describeDataset(source: StreamRef): string {
  const isNamed = "name" in source || "path" in source || "pattern" in source;
  return isNamed ? `${source.type} "${datasetName(source)}"` : `the ${source.type}`;
}
