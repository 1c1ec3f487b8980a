/** Merges the defaults of project and pipeline into the streams. */
import { hasPattern, WILDCARD_ID } from "../../models/wildcard.ts";
import {
  getChild,
  getText,
  type MapTree,
  omitKeys,
  overlay,
  scalar,
  type Tree,
  withEntry,
} from "../text/tree.ts";

/** Settings that apply to one mode only. */
const OF_MODE: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  extract: { incremental: ["watermark_field", "initial_value", "overlap", "null_watermark"] },
  load: {
    upsert: ["upsert_keys", "deletes", "deleted_at", "where"],
    scd2: ["upsert_keys", "deletes", "history", "where"],
    replace: ["where"],
  },
};

/** The pipeline with `defaults` merged into its streams, and the project's buffer into its own. */
export function mergeDefaults(pipeline: MapTree, project: MapTree | undefined): MapTree {
  const shared = [getChild(project, "defaults"), getChild(pipeline, "defaults")];
  const streams = getChild(pipeline, "streams");
  const merged = streams?.kind !== "list" ? pipeline : withEntry(pipeline, "streams", {
    ...streams,
    items: streams.items.map((stream) => stream.kind === "map" ? inherit(stream, shared) : stream),
  });
  const buffer = mergeBuffer(getChild(project, "buffer"), getChild(pipeline, "buffer"));
  const whole = omitKeys(merged, "defaults");
  return buffer === undefined ? whole : withEntry(whole, "buffer", buffer);
}

/** Adds the default id to each stream that has none and whose source is a pattern of tables. */
export function nameWildcards(pipeline: MapTree): MapTree {
  const streams = getChild(pipeline, "streams");
  if (streams?.kind !== "list") return pipeline;
  const items = streams.items.map((stream) => {
    if (stream.kind !== "map" || stream.entries.has("id")) return stream;
    const source = getChild(stream, "source");
    const name = getText(source) ?? getText(getChild(source, "name"));
    return name !== undefined && hasPattern(name)
      ? withEntry(stream, "id", scalar(WILDCARD_ID, source!.place))
      : stream;
  });
  return withEntry(pipeline, "streams", { ...streams, items });
}

function inherit(stream: MapTree, shared: readonly (Tree | undefined)[]): MapTree {
  const own = (key: string) => getChild(stream, key);
  const settings = ["extract", "load", "retry", "expect", "error_handling"].flatMap((key) => {
    const value = [...shared.map((defaults) => getChild(defaults, key)), own(key)]
      .reduce((base, top) => overlay(omitOtherMode(key, base, top), top), undefined);
    return value === undefined ? [] : [[key, value] as const];
  });
  const others = ["tags", "timeout_seconds", "transforms", "extractor", "loader"].flatMap((key) => {
    const value = own(key) ?? getChild(shared[1], key) ?? getChild(shared[0], key);
    return value === undefined ? [] : [[key, value] as const];
  });
  return [...settings, ...others].reduce(
    (merged, [key, value]) => withEntry(merged, key, value),
    stream,
  );
}

/** Inherited settings without those that do not apply to the overriding mode. */
function omitOtherMode(
  key: string,
  base: Tree | undefined,
  top: Tree | undefined,
): Tree | undefined {
  const chosen = getText(getChild(top, "mode"));
  if (base?.kind !== "map" || chosen === undefined) return base;
  const ofMode = OF_MODE[key] ?? {};
  const own = ofMode[chosen] ?? [];
  const others = Object.values(ofMode).flat().filter((name) => !own.includes(name));
  return omitKeys(base, ...others);
}

/** Options and compression belong to a format, so another format does not inherit them. */
function mergeBuffer(base: Tree | undefined, top: Tree | undefined): Tree | undefined {
  const format = getText(getChild(top, "format"));
  const other = format !== undefined && format !== getText(getChild(base, "format"));
  return overlay(
    other && base?.kind === "map" ? omitKeys(base, "options", "compression") : base,
    top,
  );
}
