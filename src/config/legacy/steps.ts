/**
 * Legacy shape:
 * `pipeline: {name, source: {type, config}, transforms, destination: {type, config}, error_handling}`.
 */
import { suggestWord } from "../../core/did_you_mean.ts";
import { FORMATS } from "../../models/format.ts";
import type { Issues, Place } from "../text/issues.ts";
import {
  getChild,
  getText,
  makeMap,
  type MapTree,
  omitKeys,
  scalar,
  type Tree,
  withEntry,
} from "../text/tree.ts";
import { convertTransforms } from "./transforms.ts";

const KEYS = [
  "name",
  "description",
  "version",
  "source",
  "transforms",
  "destination",
  "error_handling",
  "buffer",
];

/** Keys of `config` that name the dataset, with the type of source that each stands for. */
const DATASETS: Readonly<Record<string, readonly [type: string, key: string]>> = {
  table: ["relation", "name"],
  view: ["relation", "name"],
  query: ["sql", "sql"],
  collection: ["collection", "name"],
  endpoint: ["endpoint", "path"],
};

const ON_ERROR: Readonly<Record<string, string>> = {
  continue: "continue",
  skip: "continue",
  stop: "fail_fast",
  fail: "fail_fast",
  abort: "fail_fast",
  fail_fast: "fail_fast",
};

/** Converts the file to a pipeline of one stream, which has the pipeline's name. */
export function fromSteps(file: MapTree, issues: Issues): MapTree {
  const steps = file.entries.get("pipeline");
  if (steps === undefined) return file;
  const beside = [...file.entries].find(([key]) => key !== "pipeline" && key !== "version");
  if (beside !== undefined) {
    issues.add(beside[1].key, `"${beside[0]}" is next to "pipeline", expected inside it`);
  }
  const inside = steps.value;
  if (inside.kind !== "map") {
    issues.add(inside.place, `"pipeline" is not a mapping, expected name, source and destination`);
    return file;
  }
  reportUnknownKeys(inside, KEYS, issues);
  const source = readEnd(inside, "source", issues);
  const target = readEnd(inside, "destination", issues);
  const name = getChild(inside, "name");
  const handling = getChild(inside, "error_handling");
  const stream = makeMap(inside.place, {
    id: name,
    source: source?.dataset,
    target: target?.dataset,
    load: target?.load,
    ...convertTransforms(getChild(inside, "transforms"), issues),
    error_handling: handling?.kind === "map" ? omitStrategy(handling) : undefined,
  });
  return makeMap(inside.place, {
    version: getChild(inside, "version") ?? getChild(file, "version") ?? scalar(1, inside.place),
    name,
    description: getChild(inside, "description"),
    source: source?.connection,
    target: target?.connection,
    buffer: getChild(inside, "buffer"),
    on_error: readOnError(handling, issues),
    streams: { kind: "list", items: [stream], place: inside.place },
  });
}

/** One end of the pipeline: its connection, its dataset, and how the target is loaded. */
interface End {
  readonly connection: Tree;
  readonly dataset: Tree | undefined;
  readonly load: Tree | undefined;
}

function readEnd(steps: MapTree, key: "source" | "destination", issues: Issues): End | undefined {
  const found = getChild(steps, key);
  if (found?.kind !== "map") {
    issues.add(
      found?.place ?? steps.place,
      found === undefined
        ? `missing key "${key}"`
        : `"${key}" is not a mapping, expected {type, config}`,
    );
    return undefined;
  }
  reportUnknownKeys(found, ["type", "config"], issues);
  const type = getChild(found, "type");
  const config = getChild(found, "config") ?? makeMap(found.place, {});
  if (type?.kind !== "scalar" || config.kind !== "map") {
    issues.add(
      type === undefined ? found.place : config.place,
      type === undefined ? `missing key "type" of the ${key}` : `"config" is not a mapping`,
    );
    return undefined;
  }
  const load = key === "destination" ? readLoad(config) : undefined;
  const rest = key === "destination" ? omitKeys(config, "mode", "upsert_keys") : config;
  const isFile = type.value === "file" || (FORMATS as readonly unknown[]).includes(type.value);
  return { ...(isFile ? fileEnd(type, rest, issues) : systemEnd(type, rest, issues)), load };
}

/** A local file: only its dataset has settings. */
function fileEnd(type: Tree, config: MapTree, issues: Issues): Omit<End, "load"> {
  const format = getText(type) === "file" ? getChild(config, "format") : type;
  const path = getChild(config, "path");
  if (path === undefined) issues.add(config.place, `missing key "path" of the file`);
  const place = config.place;
  return {
    connection: makeMap(place, { provider: scalar("local", type.place) }),
    dataset: makeMap(place, {
      type: scalar("file", type.place),
      path,
      format,
      ...Object.fromEntries(
        [...omitKeys(config, "path", "format").entries].map(([key, { value }]) => [key, value]),
      ),
    }),
  };
}

/** Any other system: one mapping has both the connection keys and the key of the dataset. */
function systemEnd(type: Tree, config: MapTree, issues: Issues): Omit<End, "load"> {
  const named = Object.keys(DATASETS).filter((key) => config.entries.has(key));
  const key = named[0];
  if (key === undefined || named.length > 1) {
    const wanted = `expected one of ${Object.keys(DATASETS).join(", ")}`;
    const place = named[1] === undefined ? config.place : config.entries.get(named[1])!.key;
    issues.add(
      place,
      key === undefined ? `no dataset is given, ${wanted}` : `two datasets are given, ${wanted}`,
    );
  }
  const schema = key === "table" || key === "view" ? getChild(config, "schema") : undefined;
  const dataset = key === undefined ? undefined : makeMap(config.place, {
    type: scalar(DATASETS[key]![0], config.entries.get(key)!.key),
    [DATASETS[key]![1]]: getChild(config, key),
    schema,
  });
  const keys = omitKeys(config, ...named, ...(schema === undefined ? [] : ["schema"]));
  const url = getChild(keys, "connection_string");
  const whole = url === undefined
    ? keys
    : withEntry(omitKeys(keys, "connection_string"), "url", url);
  return { connection: withEntry({ ...whole, place: type.place }, "provider", type), dataset };
}

function readLoad(config: MapTree): Tree | undefined {
  const [mode, keys] = [getChild(config, "mode"), getChild(config, "upsert_keys")];
  if (mode === undefined && keys === undefined) return undefined;
  return makeMap((mode ?? keys)!.place, { mode, upsert_keys: keys });
}

/** Keys of `error_handling` that say what a failed stream does to the others. */
const STRATEGY = ["on_error", "strategy"];

/** The keys of `error_handling` that a stream has, too; undefined if there are none. */
function omitStrategy(handling: MapTree): MapTree | undefined {
  const rest = omitKeys(handling, ...STRATEGY);
  return rest.entries.size === 0 ? undefined : rest;
}

function readOnError(found: Tree | undefined, issues: Issues): Tree | undefined {
  if (found === undefined) return undefined;
  if (found.kind === "map" && !STRATEGY.some((key) => found.entries.has(key))) return undefined;
  const value = found.kind === "map"
    ? getChild(found, "on_error") ?? getChild(found, "strategy")
    : found;
  const text = getText(value) ?? "";
  const known = Object.keys(ON_ERROR);
  if (Object.hasOwn(ON_ERROR, text)) return scalar(ON_ERROR[text]!, value!.place);
  issues.add(
    (value ?? found).place,
    `"error_handling" is "${text}", expected ${known.join(", ")}${suggestWord(text, known)}`,
  );
  return undefined;
}

function reportUnknownKeys(map: MapTree, known: readonly string[], issues: Issues): void {
  for (const [key, { key: place }] of map.entries) {
    if (known.includes(key)) continue;
    issues.add(
      place as Place,
      `unknown key "${key}"${suggestWord(key, known) || `, known are ${known.join(", ")}`}`,
    );
  }
}
