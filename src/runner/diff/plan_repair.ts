/** Plans the run that repairs differences: it loads the rows that differ by upsert, and no others. */
import { peekManifest } from "../../buffers/manifest.ts";
import type { LoadedPipeline } from "../../config/mod.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type { Stream } from "../../models/stream.ts";
import { expandWildcards } from "../inspect/wildcards.ts";
import { nameInTarget } from "../plan/field_declarations.ts";
import { type PipelinePlan, planPipeline } from "../plan/pipeline_plan.ts";
import type { RowSelection } from "../worker/extract_spec.ts";
import type { ComparedRows, PipelineDiff } from "./stream_diff.ts";

/** Rows of each kind that one run repairs of a stream: their keys are held in memory. */
export const MOST_REPAIRED = 1_000_000;

/** What a run moves to repair a pipeline. */
export interface Repair {
  /** The pipeline with the streams that are repaired, which upsert by the keys that were compared. */
  readonly loaded: LoadedPipeline;
  /** The rows of each. */
  readonly only: ReadonlyMap<string, RowSelection>;
}

/**
 * Plans the repair of all streams that lack rows, or have other values; undefined where there are none.
 *
 * @param deletes whether rows that are only in the target are deleted or marked, too, as `load.deletes` says
 * @throws {ConfigurationError} that names a stream whose rows cannot be repaired
 */
export async function planRepair(
  loaded: LoadedPipeline,
  { streams: compared }: PipelineDiff,
  { deletes, signal }: { readonly deletes: boolean; readonly signal: AbortSignal },
): Promise<Repair | undefined> {
  const expanded = await expandWildcards(loaded, { signal, retries: 0 });
  const plan = await planPipeline(expanded);
  const only = new Map<string, RowSelection>();
  for (const { stream, compared: rows } of compared) {
    if (rows === undefined) continue;
    const { keys, counts, repairable: hashes } = rows;
    const isDeleting = deletes && counts.target > 0;
    if (counts.source + counts.changed === 0 && !isDeleting) continue;
    refuseRepair(stream, rows, plan);
    await refuseWaitingStage(stream, plan);
    if (isDeleting) refuseDeletes(stream, plan);
    only.set(stream, {
      keys: keys.map(({ name }) => name),
      hashes,
      ...(isDeleting ? { deletes: true } : {}),
    });
  }
  if (only.size === 0) return undefined;
  const { pipeline } = expanded;
  const streams = pipeline.streams.flatMap((stream) => {
    const rows = only.get(stream.id);
    return rows === undefined ? [] : [repairStream(stream, rows)];
  });
  // A name of its own: dxt load would load the stage of a killed repair as if it had all rows.
  const name = `${pipeline.name} (repair)`;
  const buffer = { ...pipeline.buffer, retain_on_failure: false };
  return { loaded: { ...expanded, pipeline: { ...pipeline, name, buffer, streams } }, only };
}

function refuseRepair(
  stream: string,
  { keys, counts }: ComparedRows,
  { streams, target }: PipelinePlan,
): void {
  const refuse = (detail: string) =>
    new ConfigurationError(`Cannot repair stream "${stream}": ${detail}`);
  if (keys.length === 0) throw refuse("its rows have no key, name the fields with --key");
  const { loader } = streams.find((plan) => plan.stream.id === stream)!;
  if (!("upsert" in loader.modes)) {
    throw refuse(`${target.provider.name} cannot update single rows, run the stream instead`);
  }
  if (Math.max(counts.source, counts.changed) <= MOST_REPAIRED) return;
  throw refuse(
    `${
      counts.source + counts.changed
    } rows differ, expected at most ${MOST_REPAIRED} of each kind; dxt run --full-refresh loads all rows`,
  );
}

/** A stage that is loaded after the repair would bring back what was repaired: it is older. */
async function refuseWaitingStage(stream: string, { streams }: PipelinePlan): Promise<void> {
  const { stageDirectory } = streams.find((plan) => plan.stream.id === stream)!;
  const isWaiting = await peekManifest(stageDirectory).then(
    (found) => found !== undefined,
    () => false,
  );
  if (!isWaiting) return;
  throw new ConfigurationError(
    `Cannot repair stream "${stream}": its stage is not loaded yet, and would undo the repair; load it with dxt load, or remove it with dxt clean --staged`,
  );
}

function refuseDeletes(stream: string, { streams }: PipelinePlan): void {
  const { stream: { load }, transforms } = streams.find((plan) => plan.stream.id === stream)!;
  const refuse = (detail: string) =>
    new ConfigurationError(
      `Cannot delete the rows of stream "${stream}" that are only in the target: ${detail}`,
    );
  if (load?.deletes === undefined) {
    throw refuse("it has no load.deletes, expected soft or hard, or a repair without --delete");
  }
  if (transforms.length > 0) {
    throw refuse("its transforms may change the keys; run the stream instead");
  }
}

/** The stream as it loads the rows, whatever it reads and writes otherwise; its bounds are those of a whole run. */
function repairStream(stream: Stream, { keys }: RowSelection): Stream {
  const { expect, extract: { batch_rows, batch_bytes, partition } = {}, ...rest } = stream;
  const { deletes, deleted_at, where, ...load } = stream.load ?? {};
  const deleting = deletes === undefined ? {} : { deletes, deleted_at, where };
  const bounds = expect?.max_delete_pct === undefined
    ? {}
    : { expect: { max_delete_pct: expect.max_delete_pct } };
  const nameKey = (name: string) =>
    stream.fields?.find((declared) => nameInTarget(declared) === name)?.id ?? name;
  const upsert = { mode: "upsert" as const, upsert_keys: keys.map(nameKey) };
  return {
    ...rest,
    ...bounds,
    extract: { batch_rows, batch_bytes, partition },
    // Where a stream keeps history, a row that differs is a new version.
    load: { ...load, ...deleting, ...(load.mode === "scd2" ? {} : upsert) },
  };
}
