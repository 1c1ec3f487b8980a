/** Runs pipelines in this process, as the command line does. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { loadPipeline } from "../../src/config/mod.ts";
import type { RunResult } from "../../src/models/result.ts";
import type { VerifyLevel } from "../../src/models/stream.ts";
import { type Backfill, type Phase, type RunEvent, runPipeline } from "../../src/runner/mod.ts";

export interface PipelineRun {
  readonly phase?: Phase;
  readonly env?: Record<string, string>;
  readonly select?: string;
  readonly exclude?: string;
  readonly fullRefresh?: boolean;
  readonly backfill?: Backfill;
  readonly limit?: number;
  readonly verify?: VerifyLevel;
  readonly failFast?: boolean;
  readonly threads?: number;
  readonly waitMs?: number;
  /** Attempts of a stream after the first: none when absent, and as the pipeline says when undefined. */
  readonly retries?: number | undefined;
  readonly statements?: boolean;
  readonly signal?: AbortSignal;
  onEvent?(event: RunEvent): void;
  onResult?(result: RunResult): void;
}

/** Writes a pipeline (an object is YAML's JSON subset) into a folder and runs it. */
export async function run(
  folder: string,
  pipeline: string | Record<string, unknown>,
  options: PipelineRun = {},
): Promise<RunResult> {
  const path = join(folder, `${crypto.randomUUID()}.yaml`);
  await Deno.writeTextFile(
    path,
    typeof pipeline === "string" ? pipeline : JSON.stringify(pipeline, null, 1),
  );
  const { phase = "run", env = {}, signal = new AbortController().signal, onEvent } = options;
  const loaded = await loadPipeline(path, { env });
  return await runPipeline(loaded, {
    retries: 0,
    ...options,
    phase,
    signal,
    onEvent: onEvent ?? (() => {}),
  });
}

/** As {@linkcode run}; every stream must succeed. */
export async function runWell(
  folder: string,
  pipeline: string | Record<string, unknown>,
  options: PipelineRun = {},
): Promise<RunResult> {
  const result = await run(folder, pipeline, options);
  const errors = result.streams.map(({ error }) => error?.message).filter(Boolean);
  assert.deepEqual(errors, []);
  assert.equal(result.status, "succeeded");
  return result;
}

/** Calls `work` with a folder that is gone afterwards. */
export async function withFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "dxt-test-" });
  try {
    return await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
