/** Plans the run that repairs differences: it loads the rows that differ by upsert, and no others. */
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
 * Plans the repair of all streams that lack rows, or have other values; undefined where there are none. Rows that are
 * only in the target stay.
 *
 * @throws {ConfigurationError} that names a stream whose rows cannot be repaired
 */
export async function planRepair(
  loaded: LoadedPipeline,
  { streams: compared }: PipelineDiff,
  signal: AbortSignal,
): Promise<Repair | undefined> {
  const expanded = await expandWildcards(loaded, { signal, retries: 0 });
  const plan = await planPipeline(expanded);
  const only = new Map<string, RowSelection>();
  for (const { stream, compared: rows } of compared) {
    if (rows === undefined || rows.counts.source + rows.counts.changed === 0) continue;
    refuseRepair(stream, rows, plan);
    const { keys, repairable: hashes } = rows;
    only.set(stream, { keys: keys.map(({ name }) => name), hashes });
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

/** The stream as it loads the rows, whatever it reads and writes otherwise; its bounds are those of a whole run. */
function repairStream(stream: Stream, { keys }: RowSelection): Stream {
  const { expect: _expect, extract: { batch_rows, batch_bytes, partition } = {}, ...rest } = stream;
  // The rows that are not loaded are not gone from the source.
  const { deletes: _deletes, deleted_at: _column, where: _where, ...load } = stream.load ?? {};
  const nameKey = (name: string) =>
    stream.fields?.find((declared) => nameInTarget(declared) === name)?.id ?? name;
  const upsert = { mode: "upsert" as const, upsert_keys: keys.map(nameKey) };
  return {
    ...rest,
    extract: { batch_rows, batch_bytes, partition },
    // Where a stream keeps history, a row that differs is a new version.
    load: load.mode === "scd2" ? load : { ...load, ...upsert },
  };
}
