/** The load of a stage: as a whole, shared among threads, or begun while the stage is written. */
import type {
  OpenStage,
  StagedData,
  StageDetails,
  StagedFile,
  StageSlice,
} from "../core/buffer.ts";
import type { LoadReceipt, LoadTask, PlannedLoad, SharedLoad } from "../core/loader.ts";
import type { Field } from "../models/field.ts";
import type { LoadMode } from "../models/stream.ts";
import type { RunContext } from "./context.ts";
import { connect } from "./endpoint.ts";
import { Feed, growing } from "./feed.ts";
import { targetName } from "./fields.ts";
import type { LoadInput } from "./jobs.ts";
import { settled } from "./parts.ts";
import { plainTarget } from "./plain.ts";
import type { StreamPlan } from "./plan.ts";

/** A smaller stage is loaded before threads have started. */
const SHARED_BYTES = 32 * 1024 * 1024;

type NextSlice = () => Promise<StageSlice | undefined>;

/** Loads a committed stage. */
export async function load(
  plan: StreamPlan,
  context: RunContext,
  staged: StagedData,
): Promise<LoadReceipt> {
  const files = [...staged.files];
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const shareable = files.length > 1 && bytes > SHARED_BYTES && staged.kind === "records";
  const next: NextSlice = () => {
    const file = files.shift();
    return Promise.resolve(file && staged.slice([file]));
  };
  return await loadFrom(plan, context, staged, shareable ? next : undefined);
}

/** A load that takes the files of a stage as they are closed. */
export class EarlyLoad {
  readonly #feed = new Feed();
  readonly #receipt: Promise<LoadReceipt>;

  constructor(
    plan: StreamPlan,
    context: RunContext,
    stage: OpenStage,
    fields: readonly Field[],
    details: StageDetails,
  ) {
    const feed = this.#feed;
    const next: NextSlice = async () => {
      const file = await feed.next();
      return file && stage.slice([file]);
    };
    this.#receipt = loadFrom(plan, context, growing(stage, feed, fields, details), next);
    // It is asked for when the stage is committed, which may be long after it failed.
    this.#receipt.catch(() => {});
  }

  push(file: StagedFile): void {
    this.#feed.push(file);
  }

  /** The stage is committed: the load may come to its end. */
  finish(staged: StagedData): Promise<LoadReceipt> {
    this.#feed.end(staged);
    return this.#receipt;
  }

  /** The stage will not be committed: leaves the target as it was. */
  async abort(error: unknown): Promise<void> {
    this.#feed.fail(error);
    await this.#receipt.catch(() => {});
  }
}

async function loadFrom(
  plan: StreamPlan,
  context: RunContext,
  staged: StagedData,
  next: NextSlice | undefined,
): Promise<LoadReceipt> {
  await context.turn;
  context.signal.throwIfAborted();
  await using target = await connect(context.target, context.signal);
  const loader = plan.loader.create(target, plan.loaderOptions);
  const rows = { loaded: 0 };
  const onRows = (more: number) => {
    rows.loaded += more;
    context.onEvent({
      type: "progress",
      stream: plan.stream.id,
      phase: "load",
      rows: rows.loaded,
      bytes: 0,
    });
  };
  const task: LoadTask = {
    target: plan.target,
    staged: watched(staged, context.signal, onRows),
    ...loadSettings(plan, context),
  };
  const shared = next !== undefined && context.threads.most > 1
    ? await loader.share(task)
    : undefined;
  if (shared === undefined) return await loader.load(task);
  return await loadShared(plan, context, task, shared, next!, onRows);
}

async function loadShared(
  plan: StreamPlan,
  context: RunContext,
  task: LoadTask,
  shared: SharedLoad,
  next: NextSlice,
  onRows: (rows: number) => void,
): Promise<LoadReceipt> {
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const { target: ref, mode, upsertKeys, lossy } = task;
  const common = {
    target: plainTarget(plan, context.target),
    ref,
    mode,
    upsertKeys,
    lossy,
    ticket: shared.ticket,
  };
  const lane = async () => {
    let rows = 0;
    while (!signal.aborted) {
      const slice = await next();
      if (slice === undefined) break;
      const input: LoadInput = { ...common, slice };
      rows += await context.threads.run<number, { rows: number }>({
        job: "load",
        input,
        signal,
        onNews: (news) => onRows(news.rows),
      });
    }
    return rows;
  };
  try {
    const lanes = Array.from({ length: context.threads.most }, lane);
    const rows = await settled(lanes, (error) => stop.abort(error));
    context.signal.throwIfAborted();
    return await shared.finish(rows.reduce((sum, more) => sum + more, 0));
  } catch (error) {
    await shared.abort();
    throw error;
  }
}

/** How a stream is loaded. */
export function loadSettings(
  plan: StreamPlan,
  context: Pick<RunContext, "fullRefresh" | "signal">,
): Omit<PlannedLoad, "target" | "staged"> {
  const { load } = plan.stream;
  return {
    mode: loadMode(plan, context),
    upsertKeys: (load?.upsert_keys ?? []).map((id) => targetName(plan.stream, id)),
    lossy: load?.lossy ?? "stop",
    signal: context.signal,
  };
}

/** A full refresh replaces what earlier runs added. */
function loadMode(plan: StreamPlan, context: Pick<RunContext, "fullRefresh">): LoadMode {
  return context.fullRefresh && plan.loader.modes.includes("replace") ? "replace" : plan.mode;
}

/** The staged data, telling how far the loader has read. */
function watched(
  staged: StagedData,
  signal: AbortSignal,
  onRows: (rows: number) => void,
): StagedData {
  return {
    kind: staged.kind,
    fields: staged.fields,
    details: staged.details,
    // Of a stage that is still written these are not known yet.
    get count() {
      return staged.count;
    },
    get files() {
      return staged.files;
    },
    get evidence() {
      return staged.evidence;
    },
    readRecords: () => staged.readRecords(),
    openFile: (name) => staged.openFile(name),
    format: staged.format,
    readFile: (name, start, end) => staged.readFile(name, start, end),
    slice: (files) => staged.slice(files),
    async *readBatches() {
      for await (const batch of staged.readBatches()) {
        signal.throwIfAborted();
        yield batch;
        onRows(batch.numRows);
      }
    },
  };
}
