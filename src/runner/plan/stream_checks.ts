/** What classes and settings of a stream rule out, found before anything is connected. */
import type { ProviderInfo } from "../../providers/provider_info.ts";
import { describeLoad } from "../../core/contracts/loader.ts";
import { hasPattern, isWildcard } from "../../models/wildcard.ts";
import type { StreamPlace } from "./class_choice.ts";
import { rejectsRecords, rejectsRows } from "./load_settings.ts";
import type { StreamPlan } from "./pipeline_plan.ts";

/** @throws {ConfigurationError} for settings that the stream's classes cannot carry out */
export function checkStream(
  plan: StreamPlan,
  from: ProviderInfo,
  to: ProviderInfo,
  place: StreamPlace,
): void {
  checkWildcard(plan, place);
  checkPartition(plan, from, place);
  checkPassthrough(plan, from, to, place);
  checkMode(plan, to, place);
  checkSchema(plan, to, place);
  checkRejects(plan, to, place);
}

/** Only a source of tables can have a wildcard, and only an id with {table} can have a pattern of tables. */
function checkWildcard({ stream, source }: StreamPlan, { at }: StreamPlace): void {
  if (isWildcard(stream)) {
    if (source.type === "relation") return;
    throw at(
      "id",
      `Cannot make a stream for each ${source.type}: a wildcard matches only tables, expected an id without {table}`,
    );
  }
  // In the long form a name is taken literally.
  if (typeof stream.source !== "string" || source.type !== "relation") return;
  if (!hasPattern(stream.source)) return;
  throw at(
    "id",
    `Cannot read "${stream.source}" as stream "${stream.id}": it matches several tables, expected an id with {table}, or none`,
  );
}

function checkPartition(
  { stream, extractor }: StreamPlan,
  from: ProviderInfo,
  { at }: StreamPlace,
): void {
  const partition = stream.extract?.partition;
  if (typeof partition !== "object" || extractor.splitsByField === true) return;
  throw at(
    "extract",
    `Cannot read in parts by "${partition.field}": ${extractor.name} of ${from.name} cuts no source by a field, expected partition "auto" or "none"`,
  );
}

/** A stage of whole files needs an extractor and a loader of files, and no transforms. */
function checkPassthrough(
  { buffer, extractor, loader, transforms }: StreamPlan,
  from: ProviderInfo,
  to: ProviderInfo,
  { at }: StreamPlace,
): void {
  const { format = "parquet" } = buffer;
  const yieldsFiles = extractor.yields === "files";
  if (format !== "passthrough") {
    if (!yieldsFiles) return;
    throw at(
      "extractor",
      `Cannot stage files as ${format}: the extractor yields files, set buffer.format to passthrough`,
    );
  }
  if (transforms.length > 0) {
    throw at("transforms", "Cannot transform files that are passed through: they have no records");
  }
  if (!yieldsFiles) {
    throw at(
      "extractor",
      `Cannot pass files through: ${from.name} yields records, and the buffer's format is passthrough`,
    );
  }
  if (!loader.accepts.includes("files")) {
    throw at("target", `Cannot pass files through to ${to.name}: it loads records only`);
  }
}

function checkMode(
  { mode, loader, stream }: StreamPlan,
  to: ProviderInfo,
  { at }: StreamPlace,
): void {
  if (!(mode in loader.modes)) {
    const modes = Object.keys(loader.modes).join(" and ");
    throw at("load", `Cannot ${describeLoad(mode, to.name)}: it can ${modes}`);
  }
  if (stream.load?.deletes !== undefined && loader.deletesMissing !== true) {
    throw at(
      "load",
      `Cannot delete rows of a target of ${to.name} that the source no longer has: its loader does not compare keys, expected a table, or no deletes`,
    );
  }
  if (stream.load?.where === undefined || loader.replacesWhere === true) return;
  throw at(
    "load",
    `Cannot replace the rows that load.where finds in a target of ${to.name}: its loader replaces all or nothing, expected a table, or no where`,
  );
}

function checkSchema({ stream }: StreamPlan, to: ProviderInfo, { at }: StreamPlace): void {
  if (stream.load?.schema !== "evolve" || to.category === "relational") return;
  throw at(
    "load",
    `Cannot change the columns of a target of ${to.name}: schema "evolve" needs tables, expected "strict" or no schema`,
  );
}

/** Rows can be rejected only where the loader can tell them from the others. */
function checkRejects(
  { stream, mode, extractor, loader, buffer }: StreamPlan,
  to: ProviderInfo,
  { at }: StreamPlace,
): void {
  if (rejectsRecords(stream) && extractor.yields === "files") {
    throw at(
      "error_handling",
      `Cannot reject records: the files are copied unchanged, expected on_extract_error "retry" or "fail" and on_transform_error "fail"`,
    );
  }
  if (!rejectsRows(stream)) return;
  if (loader.rejects?.includes(mode) === true && buffer.format !== "passthrough") return;
  throw at(
    "error_handling",
    `Cannot reject rows of a load: ${loader.name} of ${to.name} cannot ${mode} without some rows, expected on_load_error "retry" or "fail"`,
  );
}
