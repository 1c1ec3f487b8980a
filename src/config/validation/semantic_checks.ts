/** Checks that schemas cannot express: settings that contradict each other. */
import { suggestWord } from "../../core/did_you_mean.ts";
import type { Pipeline } from "../../models/pipeline.ts";
import { isKeyed } from "../../models/rules.ts";
import type { Stream } from "../../models/stream.ts";
import { hasPattern, isWildcard } from "../../models/wildcard.ts";
import type { Issues } from "../text/issues.ts";
import { type Path, placeAt, type Tree } from "../text/tree.ts";

/** Keys of `error_handling` that leave bad rows out. */
const SKIPPING = ["on_extract_error", "on_transform_error", "on_load_error"] as const;

type Report = (path: Path, message: string) => void;

/** Checks a pipeline with defaults merged; `tree` is the same pipeline with places. */
export function checkSemantics(pipeline: Pipeline, tree: Tree, issues: Issues): void {
  const report: Report = (path, message) => issues.add(placeAt(tree, path), message);
  const ids = new Map<string, number>();
  for (const [i, stream] of pipeline.streams.entries()) {
    const path = ["streams", i];
    const first = ids.get(stream.id);
    if (isWildcard(stream)) {
      // Its ids are known only after the source has listed its tables.
    } else if (first === undefined) ids.set(stream.id, i);
    else {
      const { source, offset } = placeAt(tree, ["streams", first, "id"]);
      const { line } = source.position(offset);
      report([...path, "id"], `stream "${stream.id}" occurs twice, first on line ${line}`);
    }
    const at: Report = (below, message) => report([...path, ...below], message);
    checkWildcard(stream, at);
    checkLoad(stream, at);
    checkExtract(stream, at);
    checkFields(stream, at);
  }
}

function checkWildcard(stream: Stream, report: Report): void {
  const { id, source } = stream;
  if (isWildcard(stream)) {
    const name = typeof source === "string" ? source : "name" in source ? source.name : "";
    if (hasPattern(name)) return;
    report(["id"], `id "${id}" stands for several tables, expected a source with * or ?`);
    return;
  }
  for (const key of ["exclude", "include_views"] as const) {
    if (stream[key] === undefined) continue;
    report([key], `stream "${id}" has ${key} but is not a wildcard, expected an id with {table}`);
  }
}

/** The keys of a wildcard are the primary keys of its tables, unless it has others. */
function checkLoad(stream: Stream, report: Report): void {
  const { id, load = {} } = stream;
  const { mode = "append", upsert_keys: keys } = load;
  if (isKeyed(mode) && keys === undefined && !isWildcard(stream)) {
    report(["load", "mode"], `stream "${id}" has mode ${mode} but no upsert_keys`);
  }
  if (!isKeyed(mode) && keys !== undefined) {
    report(
      ["load", "upsert_keys"],
      `stream "${id}" has upsert_keys but mode ${mode}, expected mode: upsert or scd2`,
    );
  }
  checkHistory(stream, report);
  const { deletes, where } = load;
  if (deletes !== undefined && !isKeyed(mode)) {
    report(
      ["load", "deletes"],
      `stream "${id}" has load.deletes but mode ${mode}, expected mode: upsert or scd2`,
    );
  }
  const skipping = SKIPPING.filter((key) => stream.error_handling?.[key] === "skip");
  if (deletes !== undefined && skipping.length > 0) {
    report(
      ["load", "deletes"],
      `stream "${id}" skips bad rows, and would delete what the target has of them: expected no skip as ${
        skipping.join(", ")
      }`,
    );
  }
  if (load.deleted_at !== undefined && (deletes !== "soft" || mode === "scd2")) {
    report(
      ["load", "deleted_at"],
      `stream "${id}" has load.deleted_at but marks no rows, expected deletes: soft`,
    );
  }
  const isTransformed = (stream.transforms ?? []).length > 0;
  if (deletes !== undefined && isTransformed && stream.extract?.mode === "incremental") {
    report(
      ["load", "deletes"],
      `stream "${id}" extracts only new records, and reads its keys besides, which pass no transforms: expected extract mode full, or no transforms`,
    );
  }
  const isPart = typeof stream.source === "object" && "where" in stream.source;
  if (deletes !== undefined && isPart && where === undefined) {
    report(
      ["load", "deletes"],
      `stream "${id}" reads only the rows that source.where finds, and would delete all others: expected the same condition as load.where`,
    );
  }
  if (mode !== "replace" && deletes === undefined && where !== undefined) {
    report(
      ["load", "where"],
      `stream "${id}" has load.where but mode ${mode} without deletes, expected mode: replace`,
    );
  }
  reportDuplicates(keys ?? [], (i, key) => {
    report(["load", "upsert_keys", i], `upsert key "${key}" occurs twice`);
  });
}

/** Mode scd2 keeps every version, and tells them apart by columns of its own. */
function checkHistory({ id, load = {} }: Stream, report: Report): void {
  const { mode = "append", history, deletes } = load;
  if (mode !== "scd2") {
    if (history === undefined) return;
    report(
      ["load", "history"],
      `stream "${id}" has load.history but mode ${mode}, expected mode: scd2`,
    );
    return;
  }
  if (deletes === "hard") {
    report(
      ["load", "deletes"],
      `stream "${id}" keeps the history of its rows, and would delete it: expected deletes: soft, which closes the current version`,
    );
  }
  const { valid_from_field: field, valid_from, valid_to, is_current } = history ?? {};
  if (field !== undefined && load.upsert_keys?.includes(field) === true) {
    report(
      ["load", "history", "valid_from_field"],
      `field "${field}" is one of the upsert_keys of stream "${id}", so that each time would be a record of its own: expected keys without it`,
    );
  }
  const names = { valid_from, valid_to, is_current };
  const named = Object.entries(names).map(([key, name]) => name ?? key);
  reportDuplicates(named, (i, name) => {
    report(
      ["load", "history", Object.keys(names)[i]!],
      `column "${name}" of load.history has two meanings, expected different names`,
    );
  });
}

function checkExtract({ id, extract = {}, load = {}, expect = {} }: Stream, report: Report): void {
  const { mode, watermark_field: field } = extract;
  if (mode === undefined && field !== undefined) {
    report(
      ["extract", "watermark_field"],
      `stream "${id}" has a watermark_field but no mode, expected mode: incremental or full`,
    );
  }
  if (mode !== "incremental" && extract.watermark_where !== undefined) {
    report(
      ["extract", "watermark_where"],
      `stream "${id}" has a watermark_where but reads everything, expected mode: incremental`,
    );
  }
  if (mode !== "incremental" && expect.max_age !== undefined) {
    report(
      ["expect", "max_age"],
      `stream "${id}" has expect.max_age but no watermark to compare, expected extract mode: incremental`,
    );
  }
  if (typeof extract.watermark_where === "object") {
    if (Object.keys(extract.watermark_where).length === 0) {
      report(["extract", "watermark_where"], `watermark_where names no field`);
    }
  }
  if (mode !== "incremental") return;
  if (field === undefined) {
    report(["extract", "mode"], `stream "${id}" has mode incremental but no watermark_field`);
  }
  if (load.mode === "replace") {
    report(
      ["load", "mode"],
      `stream "${id}" extracts only new records but replaces all loaded ones: ` +
        `expected mode append or upsert, or extract mode full`,
    );
  }
}

function checkFields(stream: Stream, report: Report): void {
  const { fields = [], only_declared_fields: only } = stream;
  const ids = fields.map(({ id }) => id);
  reportDuplicates(ids, (i, id) => report(["fields", i, "id"], `field "${id}" occurs twice`));
  for (const [i, field] of fields.entries()) {
    const { dtype, precision, scale } = field;
    if (dtype === undefined || dtype === "decimal") continue;
    for (const [key, value] of Object.entries({ precision, scale })) {
      if (value === undefined) continue;
      report(
        ["fields", i, key],
        `field "${field.id}" has a ${key} but dtype ${dtype}, ` +
          "expected dtype: decimal",
      );
    }
  }
  if (only !== true) return;
  if (stream.fields === undefined) {
    report(["only_declared_fields"], `stream "${stream.id}" declares no fields`);
    return;
  }
  const required: [Path, string | undefined][] = [
    [["extract", "watermark_field"], stream.extract?.watermark_field],
    ...(stream.load?.upsert_keys ?? []).map((key, i): [Path, string] => [
      ["load", "upsert_keys", i],
      key,
    ]),
  ];
  for (const [path, name] of required) {
    if (name === undefined || ids.includes(name)) continue;
    report(path, `field "${name}" is not among the declared fields${suggestWord(name, ids)}`);
  }
}

function reportDuplicates(names: readonly string[], report: (index: number, name: string) => void) {
  for (const [i, name] of names.entries()) {
    if (names.indexOf(name) < i) report(i, name);
  }
}
