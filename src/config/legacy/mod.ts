/** Converts legacy shapes of pipeline files to the current one, keeping places for errors. */
import type { Issues } from "../text/issues.ts";
import { getChild, type MapTree, withEntry } from "../text/tree.ts";
import { fromBufferClass } from "./buffer_class.ts";
import { fromConnectionKeys } from "./connection_keys.ts";
import { fromCriteria } from "./criteria.ts";
import { fromKind } from "./kind.ts";
import { fromSteps } from "./steps.ts";

/** Converts a pipeline to the current shape; returns a current one unchanged. */
export function normalize(pipeline: MapTree, issues: Issues): MapTree {
  const one = fromBufferClass(fromConnectionKeys(fromSteps(pipeline, issues), issues), issues);
  const streams = getChild(one, "streams");
  if (streams?.kind !== "list") return one;
  const items = streams.items.map((stream) =>
    stream.kind === "map" ? fromCriteria(fromKind(stream, issues), issues) : stream
  );
  return withEntry(one, "streams", { ...streams, items });
}
