/** Loads a stage: over one connection, over several, or while the stage is still written. */
import type {
  OpenStage,
  StagedData,
  StagedFile,
  StageLock,
  StageSlice,
} from "../../core/contracts/buffer.ts";
import type { LoadReceipt, LoadTicket, PlannedLoad } from "../../core/contracts/loader.ts";
import type { LoadMode } from "../../models/stream.ts";
import { fromError } from "../../sandbox/messages.ts";
import type { RunContext } from "../contract/run_context.ts";
import type { ConnectionClient, OnCommit } from "../worker/connection_client.ts";
import { ClientGroup, openTarget, plainClass } from "../worker/connection_clients.ts";
import { PartSequencer, StagedFileQueue } from "../worker/staged_file_queue.ts";
import { targetName } from "../plan/resolve_fields.ts";
import type { LoadInput } from "../worker/inside/protocol.ts";
import { awaitAll } from "../worker/await_all.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";

/** One worker loads a smaller stage before more workers have started. */
const SHARED_BYTES = 4 * 1024 * 1024;

/** Milliseconds that a connection waits, in the middle of its share, for the next file. */
const PATIENCE_MS = 1000;

type Stage = Pick<OpenStage, "slice">;

/** Loads a committed stage; `lock` is its own. */
export async function load(
  plan: StreamPlan,
  context: RunContext,
  staged: StagedData,
  lock: StageLock,
): Promise<LoadReceipt> {
  const bytes = staged.files.reduce((sum, { size }) => sum + size, 0);
  const shareable = staged.files.length > 1 && bytes > SHARED_BYTES && staged.kind === "records";
  await using target = await turnAtTarget(plan, context);
  const input = inputOf(plan, context, staged.slice(staged.files));
  const onRows = progressOf(plan, context);
  const ticket = shareable && context.threads.most > 1
    ? await target.call("share", input)
    : undefined;
  const onCommit = rememberedBy(lock, plan, context, () => staged);
  if (ticket === undefined) return await target.load(input, onRows, onCommit);
  const feed = new StagedFileQueue<StagedFile>();
  for (const file of staged.files) feed.push(file);
  feed.end(staged);
  const shared = { target, context, input, ticket, stage: staged, feed, onRows, onCommit };
  return await loadShared(shared);
}

/** A load that takes the files of a stage as they are closed. */
export class EarlyLoad {
  /** Files in the order of their closing, for connections that share a load. */
  readonly #closed = new StagedFileQueue<StagedFile>();
  /** Files in the order of the stage: of records that share a key the last one wins. */
  readonly #ordered = new StagedFileQueue<StagedFile>();
  readonly #order = new PartSequencer<StagedFile>((file) => this.#ordered.push(file));
  readonly #receipt: Promise<LoadReceipt>;
  /** Resolves when nothing more of the stage is written. */
  readonly #written = Promise.withResolvers<void>();

  constructor(
    plan: StreamPlan,
    context: RunContext,
    private readonly stage: OpenStage,
    lock: StageLock,
  ) {
    const onCommit = rememberedBy(lock, plan, context, () => this.#closed.staged);
    this.#receipt = this.#load(plan, context, onCommit);
    // `finish` awaits it when the stage is committed, which may be long after it failed.
    this.#receipt.catch(() => {});
  }

  push(file: StagedFile, part: number): void {
    this.#closed.push(file);
    this.#order.push(file, part);
  }

  /** A part has no more files. */
  endPart(part: number): void {
    this.#order.end(part);
  }

  /** Called when the stage is committed: the load may commit, too. */
  finish(staged: StagedData): Promise<LoadReceipt> {
    this.#closed.end(staged);
    this.#ordered.end(staged);
    this.#written.resolve();
    return this.#receipt;
  }

  /** Called when the stage will not be committed: leaves the target as it was. */
  async abort(error: unknown): Promise<void> {
    this.#closed.fail(error);
    this.#ordered.fail(error);
    this.#written.resolve();
    await this.#receipt.catch(() => {});
  }

  async #load(
    plan: StreamPlan,
    context: RunContext,
    onCommit: OnCommit,
  ): Promise<LoadReceipt> {
    await using target = await turnAtTarget(plan, context);
    // A target that waits for a slow source makes no progress, and is not to blame for it.
    const held = target.hold();
    void this.#written.promise.then(() => held?.[Symbol.dispose]());
    const input = { ...inputOf(plan, context, this.stage.slice([])), isGrowing: true as const };
    const onRows = progressOf(plan, context);
    const ticket = context.threads.most > 1 ? await target.call("share", input) : undefined;
    if (ticket !== undefined) {
      const { stage } = this;
      return await loadShared({
        target,
        context,
        input,
        ticket,
        stage,
        feed: this.#closed,
        onRows,
        onCommit,
      });
    }
    const loading = target.load(input, onRows, onCommit);
    const handing = hand(this.#ordered, this.stage, target);
    await awaitAll<unknown>([loading, handing], (error) => this.#ordered.fail(error));
    return await loading;
  }
}

/** Sends a worker the files of a queue, until the stage is committed or fails. */
async function hand(
  feed: StagedFileQueue<StagedFile>,
  stage: Stage,
  target: ConnectionClient,
): Promise<void> {
  try {
    for (let file = await feed.next(); file !== undefined; file = await feed.next()) {
      await target.call("feed", { slice: stage.slice([file]) });
    }
  } catch (error) {
    return await target.call("feed", { failed: fromError(error) });
  }
  const { staged } = feed;
  await target.call("feed", { committed: staged.slice(staged.files) });
}

async function turnAtTarget(plan: StreamPlan, context: RunContext): Promise<ConnectionClient> {
  await context.turn;
  context.signal.throwIfAborted();
  return openTarget(plan, context);
}

function inputOf(
  plan: StreamPlan,
  context: RunContext,
  staged: StageSlice,
): LoadInput {
  const loader = plainClass(plan.loader);
  const settings = loadSettings(plan, context);
  return {
    loader,
    target: plan.target,
    staged,
    claim: context.claim,
    isRemembered: isRemembered(plan, settings.mode),
    ...settings,
  };
}

/** Writes what a load is about to commit into its stage. */
function rememberedBy(
  lock: StageLock,
  { source, target }: StreamPlan,
  { runId }: RunContext,
  staged: () => StagedData,
): OnCommit {
  return (record) => {
    const at = Temporal.Now.instant().toString({ smallestUnit: "second" });
    return lock.remember({ run_id: runId, at, source, target, rows: staged().count, record });
  };
}

function progressOf(plan: StreamPlan, context: RunContext): (rows: number) => void {
  let loaded = 0;
  return (more) => {
    loaded += more;
    const stream = plan.stream.id;
    context.onEvent({ type: "progress", stream, phase: "load", rows: loaded, bytes: 0 });
  };
}

/** A load that several connections write, of the files that come into a feed. */
interface Shared {
  readonly target: ConnectionClient;
  readonly context: RunContext;
  readonly input: LoadInput;
  readonly ticket: LoadTicket;
  readonly stage: Stage;
  readonly feed: StagedFileQueue<StagedFile>;
  readonly onRows: (rows: number) => void;
  readonly onCommit: OnCommit;
}

/** The first worker holds the shared load, and loads files as the others do. */
async function loadShared(shared: Shared): Promise<LoadReceipt> {
  const { target, context, input, feed } = shared;
  const stop = new AbortController();
  const signal = AbortSignal.any([context.signal, stop.signal]);
  const { connectionsPerThread } = context.target.provider;
  // Untrusted code is never called twice at the same time.
  const ends = new ClientGroup(
    target,
    input.loader.module === undefined ? connectionsPerThread : 1,
  );
  const lane = async (number: number): Promise<number> => {
    let rows = 0;
    try {
      for (let file = await feed.next(); file !== undefined; file = await feed.next()) {
        signal.throwIfAborted();
        using _turn = await context.threads.turn("load");
        rows += await loadShare(shared, ends.of(number), number, file, signal);
      }
    } finally {
      await ends.done(number);
    }
    return rows;
  };
  const lanes = Array.from({ length: context.threads.most }, (_, number) => lane(number));
  const rows = await awaitAll<number>(lanes, (error) => {
    stop.abort(error);
    // The others may wait for a file that does not come any more.
    feed.fail(error);
  });
  context.signal.throwIfAborted();
  const { staged } = feed;
  const committed = staged.slice(staged.files);
  const total = rows.reduce((sum, more) => sum + more, 0);
  return await target.finish({ rows: total, committed }, shared.onCommit);
}

/** One connection's share: a file, and those that it is given while it has not ended. */
async function loadShare(
  { input, ticket, stage, feed, onRows }: Shared,
  end: ConnectionClient,
  lane: number,
  first: StagedFile,
  signal: AbortSignal,
): Promise<number> {
  const files = [first];
  const more = async () => {
    const file = await feed.next(PATIENCE_MS);
    if (file === undefined) return await end.call("feed", { lane, committed: stage.slice(files) });
    files.push(file);
    await end.call("feed", { lane, slice: stage.slice([file]) });
  };
  const fail = (error: unknown) => end.call("feed", { lane, failed: fromError(error) });
  return await end.call(
    "loadShare",
    { ...input, staged: stage.slice(files), ticket, lane },
    // A worker that has ended waits for nothing.
    (news) => "rows" in news ? onRows(news.rows) : void more().catch(fail).catch(() => {}),
    signal,
  );
}

/**
 * Whether a load that failed may be repeated: to replace or upsert the same rows again changes nothing, and a
 * load that was about to commit an append is remembered in its stage.
 */
export function isRepeatable(
  plan: StreamPlan,
  context: Pick<RunContext, "fullRefresh" | "target">,
): boolean {
  const { mode } = loadSettings(plan, context);
  const isExternal = plan.loader.code !== undefined || context.target.code !== undefined;
  return mode !== "append" || isRemembered(plan, mode) && !isExternal;
}

/** Whether a load writes what it is about to commit into its stage. */
function isRemembered({ buffer }: StreamPlan, mode: LoadMode): boolean {
  return mode === "append" && buffer.format !== "memory";
}

/** How a stream is loaded. */
export function loadSettings(
  plan: StreamPlan,
  context: Pick<RunContext, "fullRefresh">,
): Pick<PlannedLoad, "mode" | "upsertKeys" | "lossy"> {
  const { load } = plan.stream;
  return {
    mode: loadMode(plan, context),
    upsertKeys: (load?.upsert_keys ?? []).map((id) => targetName(plan.stream, id)),
    lossy: load?.lossy ?? "stop",
  };
}

/** A full refresh replaces what earlier runs added. */
function loadMode(plan: StreamPlan, context: Pick<RunContext, "fullRefresh">): LoadMode {
  return context.fullRefresh && "replace" in plan.loader.modes ? "replace" : plan.mode;
}
