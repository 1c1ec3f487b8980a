/** Connections that take the place of those of a pipeline, as `dxt replay` reads it. */
import { getChild, makeMap, type MapTree, scalar, withEntry } from "../text/tree.ts";

/**
 * The keys of both connections. The pipeline can then be read without variables: one without a value stands for its
 * own name.
 */
export interface StandIns {
  readonly source: Readonly<Record<string, string>>;
  readonly target: Readonly<Record<string, string>>;
}

/** Replaces the connections of a pipeline. Errors in stand-ins point at the connections that the file has. */
export function replaceConnections(tree: MapTree, standIns: StandIns | undefined): MapTree {
  if (standIns === undefined) return tree;
  return (["source", "target"] as const).reduce((replaced, end) => {
    const place = getChild(tree, end)?.place ?? tree.place;
    const keys = Object.entries(standIns[end]).map(([key, value]) => [key, scalar(value, place)]);
    return withEntry(replaced, end, makeMap(place, Object.fromEntries(keys)));
  }, tree);
}
