/** Checks, before a row is read, that the fields that a pipeline names exist and have the right type. */
import { suggestWord } from "../../core/did_you_mean.ts";
import { SchemaError } from "../../core/errors.ts";
import { isIntegerType } from "../../core/values/values.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import { chooseHistory } from "../plan/load_settings.ts";
import { targetName } from "../plan/field_declarations.ts";
import type { ResolvedFields } from "../plan/resolve_fields.ts";
import { stagedFields } from "../worker/extract_spec.ts";

/**
 * Checks the fields that the load needs, which a loader would notice only after everything was staged.
 *
 * @throws {SchemaError} that names the field
 */
export function checkLoadFields(plan: StreamPlan, resolved: ResolvedFields): void {
  checkUpsertKeys(plan, resolved);
  checkVersions(plan, resolved);
}

/** A field with another value in each run would make each run a version of each row. */
function checkVersions(
  { stream, mode }: StreamPlan,
  { generated, constants = {} }: ResolvedFields,
): void {
  if (mode !== "scd2") return;
  const other = generated.find(({ name }) => !Object.hasOwn(constants, name));
  if (other === undefined) return;
  throw new SchemaError(
    `Cannot keep the history of stream "${stream.id}": field "${other.name}" differs in every run, so that each run would make a new version of each row; leave it out, "${
      chooseHistory({ stream }).validFrom
    }" has the time`,
  );
}

function checkUpsertKeys(
  { stream }: StreamPlan,
  resolved: ResolvedFields,
): void {
  const names = stagedFields(resolved).map(({ name }) => name);
  for (const id of stream.load?.upsert_keys ?? []) {
    if (names.includes(targetName(stream, id))) continue;
    throw new SchemaError(
      `Cannot upsert by "${id}": the stream has no such field${suggestWord(id, names)}; it has ${
        names.map((name) => `"${name}"`).join(", ")
      }`,
    );
  }
}

/**
 * Checks that the field whose ranges are the parts of a source has whole numbers.
 *
 * @throws {SchemaError} that names the field
 */
export function checkPartitionField(
  { stream }: StreamPlan,
  { projections }: Pick<ResolvedFields, "projections">,
): void {
  const partition = stream.extract?.partition;
  if (typeof partition !== "object") return;
  const found = projections.find(({ field }) => field.name === targetName(stream, partition.field));
  if (found !== undefined && isIntegerType(found.field.dtype)) return;
  const is = found === undefined ? "the stream has no such field" : `it is ${found.field.dtype}`;
  throw new SchemaError(
    `Cannot read in parts by "${partition.field}": ${is}, expected a field of whole numbers`,
  );
}

/**
 * Checks that the fields exist that mark a stream's own rows: without this check, the error comes only
 * once the target exists.
 */
export function checkOwnRows({ stream, ownRows }: StreamPlan, resolved: ResolvedFields): void {
  if (ownRows === undefined || "condition" in ownRows) return;
  const names = stagedFields(resolved).map(({ name }) => name);
  for (const name of Object.keys(ownRows.values)) {
    if (names.includes(name)) continue;
    throw new SchemaError(
      `Cannot tell the rows of stream "${stream.id}" by "${name}": the stream has no such field${
        suggestWord(name, names)
      }; it has ${names.map((field) => `"${field}"`).join(", ")}`,
    );
  }
}
