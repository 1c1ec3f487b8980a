/** A process and an engine that tests hold in their hands. */
import type { LoadedPipeline } from "../../src/config/mod.ts";
import { type Engine, type IO, main, type Signal } from "../../src/cli/main.ts";
import type { RunResult, StreamResult } from "../../src/models/result.ts";
import type { Stream } from "../../src/models/stream.ts";
import type { PipelineUse, RunEvent, RunOptions } from "../../src/runner/mod.ts";

/** What `exit` throws in place of ending the test. */
export class Exited extends Error {
  constructor(readonly code: number) {
    super(`exit ${code}`);
  }
}

export interface FakeIO extends IO {
  readonly out: string;
  readonly err: string;
  /** Sends a signal to whoever listens; false when nobody does. */
  send(signal: Signal): boolean;
  /** Tells whoever listens that an error was not caught. */
  crash(error: unknown): void;
}

export function fakeIO(
  { env = {}, isTerminal = false, columns = 80 }: Partial<
    { env: Record<string, string>; isTerminal: boolean; columns: number }
  > = {},
): FakeIO {
  const written = { out: "", err: "" };
  const listeners = new Set<(signal: Signal) => void>();
  const crashes = new Set<(error: unknown) => void>();
  const output = (to: "out" | "err") => ({
    isTerminal,
    columns,
    rows: 24,
    write(text: string) {
      written[to] += text;
    },
    writeBytes(bytes: Uint8Array) {
      written[to] += new TextDecoder().decode(bytes);
      return Promise.resolve(true);
    },
  });
  return {
    version: "1.2.3",
    stdin: { isTerminal, read: () => Promise.resolve(null) },
    stdout: output("out"),
    stderr: output("err"),
    env,
    get out() {
      return written.out;
    },
    get err() {
      return written.err;
    },
    onSignal(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    send(signal) {
      for (const listener of [...listeners]) listener(signal);
      return listeners.size > 0;
    },
    onCrash(listener) {
      crashes.add(listener);
      return { [Symbol.dispose]: () => void crashes.delete(listener) };
    },
    crash(error) {
      for (const listener of [...crashes]) listener(error);
    },
    exit(code) {
      throw new Exited(code);
    },
  };
}

export const STREAMS: readonly Stream[] = [
  {
    id: "orders",
    source: "public.orders",
    tags: ["critical", "daily"],
    extract: { mode: "incremental", watermark_field: "updated_at" },
    load: { mode: "upsert", upsert_keys: ["order_id"] },
  },
  {
    id: "totals",
    description: "What each customer spent",
    source: {
      type: "sql",
      sql: "SELECT customer_id, sum(total)\n  FROM orders\n  GROUP BY customer_id",
    },
    target: { type: "relation", name: "order_totals", schema: "marts" },
    load: { mode: "replace" },
  },
  { id: "商品", source: { type: "glob", pattern: "items/*.csv" }, tags: ["daily"] },
];

export interface FakeEngine extends Engine {
  /** What `loadPipeline`, `admitPipeline` and `runPipeline` were called with. */
  readonly asked: {
    path?: string;
    load?: unknown;
    use?: PipelineUse;
    run?: RunOptions;
    checked: string[];
  };
}

export interface FakeBehaviour {
  readonly streams?: readonly Stream[];
  readonly secrets?: readonly string[];
  readonly warnings?: readonly string[];
  load?(path: string): void;
  check?(path: string): void;
  run?(options: RunOptions): RunResult | Promise<RunResult>;
}

export function fakeEngine(behaviour: FakeBehaviour = {}): FakeEngine {
  const asked: FakeEngine["asked"] = { checked: [] };
  const config = {
    loadPipeline(path: string, options: unknown) {
      asked.path = path;
      asked.load = options;
      behaviour.load?.(path);
      const streams = behaviour.streams ?? STREAMS;
      const pipeline = { version: 1, name: "shop", streams };
      const loaded = { path, pipeline, warnings: behaviour.warnings ?? [] };
      return Promise.resolve(loaded as unknown as LoadedPipeline);
    },
    findSecretValues: () => [...behaviour.secrets ?? []],
  };
  const runner = {
    async runPipeline(_: LoadedPipeline, options: RunOptions) {
      asked.run = options;
      const result = await behaviour.run?.(options) ?? runResult([streamResult("orders")]);
      options.onResult?.(result);
      return result;
    },
    admitPipeline(_: LoadedPipeline, use: PipelineUse) {
      asked.use = use;
      return Promise.resolve(true);
    },
    checkPipeline(loaded: LoadedPipeline) {
      const { path } = loaded as unknown as { path: string };
      asked.checked.push(path);
      behaviour.check?.(path);
      return Promise.resolve();
    },
  };
  return {
    asked,
    config: () => Promise.resolve(config as unknown as Awaited<ReturnType<Engine["config"]>>),
    runner: () => Promise.resolve(runner),
  };
}

export function streamResult(stream: string, more: Partial<StreamResult> = {}): StreamResult {
  return {
    stream,
    status: "succeeded",
    mode: "append",
    rows_extracted: 1204,
    rows_loaded: 1204,
    bytes_staged: 20_480,
    files_staged: 1,
    warnings: [],
    duration_ms: 2342,
    extract_ms: 812,
    load_ms: 1530,
    ...more,
  };
}

export function runResult(
  streams: readonly StreamResult[],
  status: RunResult["status"] = "succeeded",
): RunResult {
  return {
    pipeline: "shop",
    run_id: "00000000-0000-4000-8000-000000000000",
    status,
    started_at: "2025-03-01T06:00:00Z",
    duration_ms: 4321,
    peak_memory_bytes: 209_715_200,
    streams: [...streams],
  };
}

/** A run of three streams, one of which failed, told as the runner tells it. */
export function eventfulRun({ onEvent }: RunOptions): RunResult {
  const results = [
    streamResult("orders", {
      mode: "upsert",
      watermark_before: "2025-02-28T23:59:59Z",
      watermark_after: "2025-03-01T05:59:59Z",
    }),
    streamResult("totals", {
      mode: "replace",
      status: "failed",
      rows_extracted: 1_234_567,
      rows_loaded: 0,
      stage: ".dxt/stage/shop/totals",
      error: {
        type: "LoaderError",
        message: 'Cannot load stream "totals" of pipeline "shop" into postgres: disk full',
      },
    }),
    streamResult("商品", { status: "skipped", rows_extracted: 0, rows_loaded: 0, extract_ms: 0 }),
  ];
  const [orders, totals] = results as [StreamResult, StreamResult, StreamResult];
  const events: RunEvent[] = [
    { type: "stream_started", stream: "orders" },
    { type: "progress", stream: "orders", phase: "extract", rows: 1204, bytes: 20_480 },
    { type: "phase_finished", stream: "orders", phase: "extract", rows: 1204, ms: 812 },
    { type: "warning", stream: "orders", message: "2 rows have no watermark" },
    { type: "phase_finished", stream: "orders", phase: "load", rows: 1204, ms: 1530 },
    { type: "stream_finished", stream: "orders", result: orders },
    { type: "stream_started", stream: "totals" },
    { type: "stream_finished", stream: "totals", result: totals },
  ];
  for (const event of events) onEvent(event);
  return runResult(results, "partial");
}

/** Runs the command line in this process. */
export async function dxt(
  args: string,
  { engine = fakeEngine(), io = fakeIO() }: { engine?: Engine; io?: FakeIO } = {},
): Promise<{ code: number; out: string; err: string }> {
  const code = await main(args.split(" ").filter((arg) => arg !== ""), io, engine);
  return { code, out: io.out, err: io.err };
}
