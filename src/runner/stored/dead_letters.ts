/** Finds and retries the dead letters of a pipeline. */
import { basename, dirname, join } from "node:path";
import { openBuffer, stagePart } from "../../buffers/mod.ts";
import type { LoadedPipeline } from "../../config/mod.ts";
import { ConfigurationError } from "../../core/errors.ts";
import { ifPresent } from "../../core/files/if_present.ts";
import { runOwner } from "../../core/files/run_lock.ts";
import { parseText } from "../../core/values/values.ts";
import {
  type FoundLetters,
  listLetters,
  readLetters,
  removeStaged,
} from "../../integrity/dead_letters.ts";
import type { BufferSettings } from "../../models/buffer.ts";
import type { StreamResult } from "../../models/result.ts";
import type { Selection } from "../../selector/mod.ts";
import { removeEmptyFolders } from "../stage_folders.ts";
import { planSelected } from "../plan/select_plans.ts";
import { planPipeline } from "../plan/pipeline_plan.ts";
import type { RunOptions } from "../pipeline_run.ts";

/** Finds the files of letters of the selected streams, the oldest first. */
export async function findLetters(
  loaded: LoadedPipeline,
  selection: Selection,
): Promise<FoundLetters[]> {
  const { streams } = await planSelected(loaded, selection);
  const isWhole = Object.values(selection).every((value) => value === undefined);
  const own = new Set(streams.map(({ letters }) => letters.folder));
  const found: FoundLetters[] = [];
  for (const around of new Set([...own].map((folder) => dirname(folder)))) {
    const entries = await ifPresent(() => Array.fromAsync(Deno.readDir(around))) ?? [];
    for (const { name, isDirectory } of entries) {
      const folder = join(around, name);
      // Streams of a wildcard, and streams that the pipeline has no more, are found by their folders.
      if (isDirectory && (isWhole || own.has(folder))) found.push(...await listLetters(folder));
    }
  }
  return found.sort((one, other) => one.header.at < other.header.at ? -1 : 1);
}

/**
 * Checks that a retry cannot overwrite newer rows: later runs may have upserted others with the same keys.
 *
 * @throws {ConfigurationError} for letters of a stream that upserts
 */
export async function checkRetry(
  loaded: LoadedPipeline,
  found: readonly FoundLetters[],
): Promise<void> {
  const { streams } = await planPipeline(loaded);
  for (const { header, rows, unstaged } of found) {
    const plan = streams.find(({ stream }) => stream.id === header.stream);
    if (plan?.mode !== "upsert" || unstaged === rows) continue;
    throw new ConfigurationError(
      `Cannot retry the letters of stream "${header.stream}": it upserts, and the target may have newer rows of the same keys, expected --force, or another run of the stream`,
    );
  }
}

/** Runs the phase of a pipeline that the runner is given. */
type Load = (
  loaded: LoadedPipeline,
  options: Pick<RunOptions, "phase" | "select" | "onResult" | "signal">,
) => Promise<{ readonly streams: readonly StreamResult[] }>;

/**
 * Loads the rows of a file of letters that were staged, as any stage is loaded, and removes them from the file.
 * Rows that the target refuses again become letters of this load. They are added to a replaced target.
 *
 * @param load runs a pipeline
 */
export async function retryLetters(
  loaded: LoadedPipeline,
  found: FoundLetters,
  load: Load,
  signal: AbortSignal,
): Promise<StreamResult> {
  const { path, header } = found;
  // A stage of its own for each file, so that a load in doubt tells which letters it is about.
  const location = join(dirname(path), `.retry-${basename(path).replace(/^\.|\.jsonl.*$/g, "")}`);
  const buffer: BufferSettings = { location };
  const retried = withStage(loaded, header.stream, buffer);
  const { streams } = await planPipeline(retried);
  const plan = streams.find(({ stream }) => stream.id === header.stream);
  if (plan === undefined) {
    throw new ConfigurationError(
      `Cannot retry the letters of stream "${header.stream}": the pipeline has no stream of this name`,
    );
  }
  await stageLetters(found, buffer, plan.stageDirectory, plan.source, signal);
  const result = await load(retried, {
    phase: "load",
    select: header.stream,
    signal,
    async onResult({ streams: [stream] }) {
      // Before the load is forgotten: a run that is killed here is not in doubt about the rows.
      if (stream?.status === "succeeded") await removeStaged(found);
    },
  });
  const [stream] = result.streams;
  if (stream!.status === "succeeded") {
    await ifPresent(() => Deno.remove(location, { recursive: true }));
    removeEmptyFolders([dirname(path), dirname(dirname(path))]);
  }
  return stream!;
}

/** The pipeline with another stage, whose load adds rows and deletes none. */
function withStage(loaded: LoadedPipeline, id: string, buffer: BufferSettings): LoadedPipeline {
  const { pipeline } = loaded;
  const streams = pipeline.streams.map((stream) => {
    if (stream.id !== id || stream.load === undefined) return stream;
    const { deletes: _, where: __, mode, ...rest } = stream.load;
    const load = { ...rest, mode: mode === "upsert" ? mode : "append" as const };
    return { ...stream, load };
  });
  return { ...loaded, pipeline: { ...pipeline, buffer, streams } };
}

/** Stages the rows of a file, unless a killed run has staged them and its load is in doubt. */
async function stageLetters(
  { path, header: { pipeline, stream, fields } }: FoundLetters,
  settings: BufferSettings,
  directory: string,
  source: unknown,
  signal: AbortSignal,
): Promise<void> {
  const buffer = await openBuffer(settings, directory);
  const runId = crypto.randomUUID();
  const claim = { owner: runOwner(runId, Temporal.Now.instant()), waitMs: 0 };
  await using lock = await buffer.lock(claim, signal);
  if (await lock.pending() !== undefined) return;
  const { BatchBuilder } = await import("../../arrow/mod.ts");
  const readBatches = async function* () {
    const builder = new BatchBuilder(fields, { rows: 8192, bytes: 16 * 1024 * 1024 });
    let rows = 0;
    for await (const { record = {}, step } of readLetters(path)) {
      if (step !== "load") continue;
      rows++;
      const values = fields.map((field) => {
        const text = record[field.name] ?? null;
        return [field.name, text === null ? null : parseText(text, field)] as const;
      });
      builder.push(Object.fromEntries(values));
      if (builder.full) yield builder.take();
    }
    if (builder.rows > 0) yield builder.take();
    return { rows, evidence: `${rows} dead letters` };
  };
  await buffer.write(
    fields,
    async ({ folder }) => [await stagePart(settings, { folder, fields }, readBatches())],
    () => ({ pipeline, stream, run_id: runId, source }),
    { unrepeatable: "it holds dead letters" },
  );
}
