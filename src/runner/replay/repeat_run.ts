/** Runs a pipeline a second time, and compares the rows of its targets: a repeated run must change nothing. */
import type { LoadedPipeline } from "../../config/mod.ts";
import { formatValue } from "../../core/values/values.ts";
import type { RepeatedStream } from "../record/fixture.ts";
import type { RunResult } from "../../models/result.ts";
import type { Stream } from "../../models/stream.ts";
import { previewPipelineRows } from "../inspect/discovery.ts";
import { nameInTarget } from "../plan/field_declarations.ts";
import { runPipeline } from "../pipeline_run.ts";

/** Most rows of a target that are compared: more than fixtures have. */
const MOST_ROWS = 1_000_000;

/**
 * Repeats the streams that the first run moved, where a repeated run adds no rows: those that replace, that
 * upsert, or that read only what is new.
 *
 * @param first the result of the first run
 */
export async function repeatRun(
  loaded: LoadedPipeline,
  first: RunResult,
  signal: AbortSignal,
): Promise<RepeatedStream[]> {
  const moved = loaded.pipeline.streams.filter(({ id }) =>
    first.streams.some(({ stream, status }) => stream === id && status === "succeeded")
  );
  const before = await readTargets(loaded, moved, signal);
  const repeated = moved.filter(isRepeatable);
  const failures = await runAgain(withoutLeastRows(loaded), repeated, signal);
  const after = await readTargets(loaded, repeated, signal);
  return moved.map(({ id }): RepeatedStream => {
    const rows = before.get(id)!.length;
    const again = after.get(id);
    if (again === undefined) {
      return { stream: id, rows, repeat: "skipped", detail: "each run adds its rows" };
    }
    const failure = failures.get(id);
    if (failure !== undefined) return { stream: id, rows, repeat: "failed", detail: failure };
    const isSame = again.length === rows && again.every((row, i) => row === before.get(id)![i]);
    if (isSame) return { stream: id, rows, repeat: "same" };
    const detail = again.length === rows
      ? "the second run changed rows"
      : `the second run left ${again.length} rows, the first ${rows}`;
    return { stream: id, rows, repeat: "different", detail };
  });
}

/** A repeated incremental run reads no rows, and would fail `min_rows`. */
function withoutLeastRows(loaded: LoadedPipeline): LoadedPipeline {
  const { pipeline } = loaded;
  const streams = pipeline.streams.map((
    { expect: { min_rows: _rows, ...expect } = {}, ...stream },
  ) => ({
    ...stream,
    expect,
  }));
  return { ...loaded, pipeline: { ...pipeline, streams } };
}

function isRepeatable({ load, extract }: Stream): boolean {
  return (load?.mode ?? "append") !== "append" || extract?.mode === "incremental";
}

/** Messages of the streams that fail, by their ids. */
async function runAgain(
  loaded: LoadedPipeline,
  streams: readonly Stream[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  if (streams.length === 0) return new Map();
  const select = streams.map(({ id }) => id).join(",");
  const result = await runPipeline(loaded, { phase: "run", select, signal, onEvent: () => {} });
  return new Map(
    result.streams.flatMap(({ stream, status, error }): [string, string][] =>
      status === "succeeded" ? [] : [[stream, error?.message ?? `it was ${status}`]]
    ),
  );
}

/** The rows of each stream's target as texts, sorted, without the fields that differ in every run. */
async function readTargets(
  loaded: LoadedPipeline,
  streams: readonly Stream[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, string[]>();
  for (const { id, fields = [] } of streams) {
    const generated = new Set(
      fields.filter(({ generator }) => generator !== undefined).map(nameInTarget),
    );
    const showing = { rows: MOST_ROWS, mayExplore: false, signal };
    const head = await previewPipelineRows(loaded, id, "target", showing);
    const kept = head.fields.map(({ name }) => !generated.has(name));
    const texts = head.rows.map((row) =>
      JSON.stringify(
        row.filter((_, i) => kept[i]).map((value) => value === null ? null : formatValue(value)),
      )
    );
    found.set(id, texts.sort());
  }
  return found;
}
