/** Defaults of project and pipeline under what a stream says itself. */
import {
  child,
  type MapTree,
  overlay,
  textOf,
  type Tree,
  withEntry,
  without,
} from "../text/tree.ts";

/** Settings that mean something in one mode only, by the mode. */
const OF_MODE: Readonly<Record<string, { readonly mode: string; readonly keys: string[] }>> = {
  extract: {
    mode: "incremental",
    keys: ["watermark_field", "initial_value", "overlap", "null_watermark"],
  },
  load: { mode: "upsert", keys: ["upsert_keys"] },
};

/** The pipeline with `defaults` gone into its streams, and the project's buffer below its own. */
export function mergeDefaults(pipeline: MapTree, project: MapTree | undefined): MapTree {
  const shared = [child(project, "defaults"), child(pipeline, "defaults")];
  const streams = child(pipeline, "streams");
  const merged = streams?.kind !== "list" ? pipeline : withEntry(pipeline, "streams", {
    ...streams,
    items: streams.items.map((stream) => stream.kind === "map" ? inherit(stream, shared) : stream),
  });
  const buffer = mergeBuffer(child(project, "buffer"), child(pipeline, "buffer"));
  const whole = without(merged, "defaults");
  return buffer === undefined ? whole : withEntry(whole, "buffer", buffer);
}

function inherit(stream: MapTree, shared: readonly (Tree | undefined)[]): MapTree {
  const own = (key: string) => child(stream, key);
  const settings = ["extract", "load"].flatMap((key) => {
    const value = [...shared.map((defaults) => child(defaults, key)), own(key)]
      .reduce((base, top) => overlay(leaving(key, base, top), top), undefined);
    return value === undefined ? [] : [[key, value] as const];
  });
  const others = ["tags", "transforms", "extractor", "loader"].flatMap((key) => {
    const value = own(key) ?? child(shared[1], key) ?? child(shared[0], key);
    return value === undefined ? [] : [[key, value] as const];
  });
  return [...settings, ...others].reduce(
    (merged, [key, value]) => withEntry(merged, key, value),
    stream,
  );
}

/** Inherited settings without those that the mode chosen above them has no use for. */
function leaving(key: string, base: Tree | undefined, top: Tree | undefined): Tree | undefined {
  const { mode, keys } = OF_MODE[key]!;
  const chosen = textOf(child(top, "mode"));
  return base?.kind !== "map" || chosen === undefined || chosen === mode
    ? base
    : without(base, ...keys);
}

/** Options and compression belong to a format: another format starts without them. */
function mergeBuffer(base: Tree | undefined, top: Tree | undefined): Tree | undefined {
  const format = textOf(child(top, "format"));
  const other = format !== undefined && format !== textOf(child(base, "format"));
  return overlay(
    other && base?.kind === "map" ? without(base, "options", "compression") : base,
    top,
  );
}
