/** Jobs of a worker at the target: it plans, finds watermarks, and loads a stage. */
import { openSlice } from "../../../buffers/mod.ts";
import type { StagedData, StageSlice } from "../../../core/contracts/buffer.ts";
import { DXTError } from "../../../core/errors.ts";
import type { Connector } from "../../../core/contracts/connector.ts";
import type {
  CommitJournal,
  Loader,
  LoadOutcome,
  LoadPlan,
  LoadReceipt,
  LoadTask,
  LoadTicket,
  ParallelLoad,
} from "../../../core/contracts/loader.ts";
import type { Value } from "../../../core/values/values.ts";
import { toError } from "../../../sandbox/messages.ts";
import { sendWarning } from "../../../sandbox/serve.ts";
import { StagedFileQueue } from "../staged_file_queue.ts";
import { connect } from "./connect.ts";
import { type ReadWatch, streamingStage } from "./streaming_stage.ts";
import type {
  CommitNews,
  FeedInput,
  FinishInput,
  LoadInput,
  LoadNews,
  MaxWatermarkInput,
  OutcomeInput,
  PlainClass,
  PlanInput,
  RememberedInput,
  ShareInput,
  ShareNews,
  Tell,
} from "./protocol.ts";
import { argumentsOf, loaderClassOf, openSession, type WorkerSession } from "./session.ts";

async function createLoader(here: WorkerSession, chosen: PlainClass): Promise<Loader> {
  const found = await loaderClassOf(here, chosen);
  return await found.create(...await argumentsOf(here, found, chosen));
}

/** Undefined for a class whose loads one connection writes. */
async function createParallel(
  here: WorkerSession,
  chosen: PlainClass,
  own?: Connector,
): Promise<ParallelLoad | undefined> {
  const found = await loaderClassOf(here, chosen);
  return await found.createParallel?.(...await argumentsOf(here, found, chosen, own));
}

export async function plan(
  { loader, ...load }: PlanInput,
  _tell: Tell,
  signal: AbortSignal,
): Promise<LoadPlan> {
  return await (await createLoader(await openSession(), loader)).plan({ ...load, signal });
}

export async function getMaxWatermark(
  { loader, target, field, ...asked }: MaxWatermarkInput,
): Promise<Exclude<Value, null> | undefined> {
  const own = await createLoader(await openSession(), loader);
  return await own.getMaxWatermark(target, field, asked);
}

export async function getOutcome({ loader, target, record }: OutcomeInput): Promise<LoadOutcome> {
  const here = await openSession();
  const found = await loaderClassOf(here, loader);
  return await found.getOutcome?.(await here.connector, target, record) ?? "unknown";
}

export async function feed({ lane, ...news }: FeedInput): Promise<void> {
  const feed = (await openSession()).feeds.get(lane);
  if ("slice" in news) feed?.push(news.slice);
  else if ("committed" in news) feed?.end(await openSlice(news.committed));
  else feed?.fail(toError(news.failed));
}

/** Answers the `committing` of a load. */
export async function remembered({ failed }: RememberedInput): Promise<void> {
  (await openSession()).onRemembered?.(failed === undefined ? undefined : toError(failed));
}

/** Sends the host what a load is about to commit, and waits until the host has stored it. */
function journalOf(here: WorkerSession): CommitJournal {
  return {
    async remember(committing) {
      const { signal } = here;
      signal.throwIfAborted();
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const abort = () => reject(signal.reason);
      signal.addEventListener("abort", abort);
      here.onRemembered = (failed) => failed === undefined ? resolve() : reject(failed);
      try {
        here.tellCommit!({ committing });
        await promise;
      } finally {
        signal.removeEventListener("abort", abort);
      }
    },
  };
}

/** The loader's task: what the host sent, and the expected watermark of the stage. */
function taskOf(
  { isRemembered, ...input }: Omit<LoadInput, "loader" | "staged" | "isGrowing">,
  staged: StagedData,
  here: WorkerSession,
  signal: AbortSignal,
): LoadTask {
  return {
    ...input,
    claim: { ...input.claim, onWait: sendWarning },
    staged,
    expected: staged.details.watermark?.expected,
    ...(isRemembered ? { journal: journalOf(here) } : {}),
    signal,
  };
}

export async function share(
  { loader, staged, isGrowing, ...input }: LoadInput,
  _tell: Tell,
  signal: AbortSignal,
): Promise<LoadTicket | undefined> {
  const here = await openSession();
  // A shared load is read by its shares, which report what they read.
  const stage = await stagedOf(staged, isGrowing, here, { signal, onRows() {} });
  const task = taskOf(input, stage, here, signal);
  const shared = await (await createParallel(here, loader))?.begin(task);
  if (shared !== undefined) here.shared = shared;
  return shared?.ticket;
}

/** Makes all that was shared the target's. */
export async function finish(
  { rows, committed }: FinishInput,
  tell: (news: CommitNews) => void,
): Promise<LoadReceipt> {
  const here = await openSession();
  here.tellCommit = tell;
  const { shared, feeds } = here;
  feeds.get(undefined)?.end(await openSlice(committed));
  if (shared === undefined) throw new DXTError("Cannot end a load: none is shared");
  const receipt = await shared.finish(rows);
  // A finished load must not be aborted when the session closes.
  delete here.shared;
  return receipt;
}

/** The stage of a load as a whole: committed, or growing while `feed` sends files. */
async function stagedOf(
  slice: StageSlice,
  isGrowing: true | undefined,
  here: WorkerSession,
  watch: ReadWatch,
): Promise<StagedData> {
  const feed = feedOf(here, undefined, watch.signal);
  const known = await openSlice(slice);
  if (isGrowing === undefined) {
    feed.push(slice);
    feed.end(known);
  }
  return streamingStage(feed, known, watch);
}

/** A queue that `feed` fills. An abort fails it, since the host sends nothing afterwards. */
function feedOf(
  here: WorkerSession,
  lane: number | undefined,
  signal: AbortSignal,
  onEmpty?: () => void,
): StagedFileQueue<StageSlice> {
  const feed = new StagedFileQueue<StageSlice>(onEmpty);
  if (signal.aborted) feed.fail(signal.reason);
  signal.addEventListener("abort", () => feed.fail(signal.reason));
  here.feeds.set(lane, feed);
  return feed;
}

/** Loads all of a stage, or what `feed` sends until the stage is committed. */
export async function load(
  { loader, staged: slice, isGrowing, ...input }: LoadInput,
  tell: (news: LoadNews) => void,
  signal: AbortSignal,
): Promise<LoadReceipt> {
  const here = await openSession();
  here.tellCommit = tell;
  const watch = { signal, onRows: (rows: number) => tell({ rows }) };
  const staged = await stagedOf(slice, isGrowing, here, watch);
  const task = taskOf(input, staged, here, signal);
  return await (await createLoader(here, loader)).load(task);
}

/** Loads the files that it is given into a shared load, over a connection of its own. */
export async function loadShare(
  { loader: chosen, staged: slice, ticket, lane, ...input }: ShareInput,
  tell: (news: ShareNews) => void,
  signal: AbortSignal,
): Promise<number> {
  const here = await openSession();
  const feed = feedOf(here, lane, signal, () => tell({ more: true }));
  feed.push(slice);
  await using connector = await connect(here.endpoint, signal);
  const watch = { signal, onRows: (rows: number) => tell({ rows }) };
  const staged = streamingStage(feed, await openSlice(slice), watch);
  const parallel = await createParallel(here, chosen, connector);
  return await parallel!.loadShare(taskOf(input, staged, here, signal), ticket);
}
