/** Jobs of a worker at the target: it plans, finds watermarks, and loads a stage. */
import { openSlice, readStage } from "../../../buffers/mod.ts";
import type { StagedData, StagedFile, StageSlice } from "../../../core/contracts/buffer.ts";
import { DXTError } from "../../../core/errors.ts";
import { yieldToEventLoop } from "../../../core/event_loop.ts";
import type { Connector } from "../../../core/contracts/connector.ts";
import type {
  CommitJournal,
  Leftover,
  Loader,
  LoadOutcome,
  LoadPlan,
  LoadReceipt,
  LoadTask,
  LoadTicket,
  ParallelLoad,
  TargetColumn,
  VerifyLoad,
} from "../../../core/contracts/loader.ts";
import type { Value } from "../../../core/values/values.ts";
import type { VerifyLevel } from "../../../models/stream.ts";
import { countReleased } from "../../../sandbox/garbage.ts";
import { toError } from "../../../sandbox/messages.ts";
import { sendWarning } from "../../../sandbox/serve.ts";
import { StagedFileQueue } from "../staged_file_queue.ts";
import { connect } from "./connect.ts";
import { ProgressThrottle } from "./progress_throttle.ts";
import type {
  ColumnsInput,
  CommitProgress,
  FeedInput,
  FinishInput,
  LeftoversInput,
  LoadInput,
  LoadProgress,
  MaxWatermarkInput,
  NoReport,
  OutcomeInput,
  PlainClass,
  PlanInput,
  RememberedInput,
  RemoveInput,
  ShareInput,
  ShareProgress,
} from "./protocol.ts";
import { currentSession, findLoaderClass, makeArguments, type WorkerSession } from "./session.ts";

export async function plan(
  { loader, ...load }: PlanInput,
  _report: NoReport,
  signal: AbortSignal,
): Promise<LoadPlan> {
  return await (await createLoader(await currentSession(), loader)).plan({ ...load, signal });
}

export async function getMaxWatermark(
  { loader, target, field, ...scope }: MaxWatermarkInput,
): Promise<Exclude<Value, null> | undefined> {
  const own = await createLoader(await currentSession(), loader);
  return await own.getMaxWatermark(target, field, scope);
}

/** Columns of a target that exists; undefined where its loader cannot find them. */
export async function findColumns(
  { loader, target, fields }: ColumnsInput,
): Promise<readonly TargetColumn[] | undefined> {
  const own = await createLoader(await currentSession(), loader);
  return await own.findColumns?.(target, fields);
}

export async function getOutcome({ loader, target, record }: OutcomeInput): Promise<LoadOutcome> {
  const session = await currentSession();
  const found = await findLoaderClass(session, loader);
  return await found.getOutcome?.(await session.connector, target, record) ?? "unknown";
}

export async function listLeftovers(
  { loader, target }: LeftoversInput,
): Promise<readonly Leftover[]> {
  const session = await currentSession();
  const found = await findLoaderClass(session, loader);
  return await found.listLeftovers?.(await session.connector, target) ?? [];
}

export async function removeLeftover(
  { loader, target, ...request }: RemoveInput,
  _report: NoReport,
  signal: AbortSignal,
): Promise<boolean> {
  const session = await currentSession();
  const found = await findLoaderClass(session, loader);
  const connector = await session.connector;
  return await found.removeLeftover?.(connector, target, { ...request, signal }) ?? false;
}

/** Loads all of a stage, or what `feed` sends until the stage is committed. */
export async function load(
  { loader, staged: slice, isGrowing, ...input }: LoadInput,
  report: (progress: LoadProgress) => void,
  signal: AbortSignal,
): Promise<LoadReceipt> {
  const session = await currentSession();
  session.reportCommit = report;
  const queue = await openQueue(session, slice, isGrowing, signal);
  const read: StagedFile[] = [];
  const onFiles = (files: readonly StagedFile[]) => read.push(...files);
  const staged = await readQueue(queue, slice, (rows) => report({ rows }), signal, onFiles);
  const created = await createLoader(session, loader);
  if (input.rejects !== true) {
    return await created.load(await buildTask(session, input, staged, signal));
  }
  const { RejectedRows } = await import("./rejected/rejected_rows.ts");
  const { omitRejected } = await import("../../../integrity/accepted_rows.ts");
  const rejections = new RejectedRows(staged, () => read, input.maxErrors, {
    send: (letters) => report({ letters }),
    seal: () => askHost(session, () => report({ sealed: true })),
  });
  const accepted = omitRejected(staged, rejections.rows);
  const task = { ...await buildTask(session, input, accepted, signal), rejections };
  const receipt = await created.load(task);
  return rejections.rows.size === 0 ? receipt : { ...receipt, rejected: rejections.rows.size };
}

/** Begins a load over several connections; returns undefined for a loader that allows only one. */
export async function beginParallel(
  { loader, staged: slice, isGrowing, ...input }: LoadInput,
  _report: NoReport,
  signal: AbortSignal,
): Promise<LoadTicket | undefined> {
  // One connection keeps the order of the stage, and divides what the target refuses.
  if (input.rejects === true) return undefined;
  const session = await currentSession();
  const queue = await openQueue(session, slice, isGrowing, signal);
  // The shares of the load read the stage and report progress.
  const staged = await readQueue(queue, slice, () => {}, signal);
  const parallel = await createParallel(session, loader);
  const begun = await parallel?.begin(await buildTask(session, input, staged, signal));
  if (begun !== undefined) session.parallel = begun;
  return begun?.ticket;
}

/** Loads the files of one share, over a connection of its own. */
export async function loadShare(
  { loader, staged: slice, ticket, share, ...input }: ShareInput,
  report: (progress: ShareProgress) => void,
  signal: AbortSignal,
): Promise<number> {
  const session = await currentSession();
  const queue = addQueue(session, share, signal, () => report({ more: true }));
  queue.push(slice);
  await using connector = await connect(session.endpoint, signal);
  const staged = await readQueue(queue, slice, (rows) => report({ rows }), signal);
  const parallel = await createParallel(session, loader, connector);
  return await parallel!.loadShare(await buildTask(session, input, staged, signal), ticket);
}

/** Finishes a parallel load, so that the target has the rows of all shares. */
export async function finish(
  { rows, committed }: FinishInput,
  report: (progress: CommitProgress) => void,
): Promise<LoadReceipt> {
  const session = await currentSession();
  session.reportCommit = report;
  const { parallel, queues } = session;
  queues.get(undefined)?.end(await openSlice(committed));
  if (parallel === undefined) throw new DXTError("Cannot end a load: no parallel load has begun");
  const receipt = await parallel.finish(rows);
  // A finished load must not be aborted when the session closes.
  delete session.parallel;
  return receipt;
}

/** Receives further files of a stage, or its end, for a load or one of its shares. */
export async function feed({ share, ...input }: FeedInput): Promise<void> {
  const queue = (await currentSession()).queues.get(share);
  if ("slice" in input) queue?.push(input.slice);
  else if ("committed" in input) queue?.end(await openSlice(input.committed));
  else queue?.fail(toError(input.failed));
}

/** Receives the host's reply to the commit record of a load. */
export async function remembered({ failed }: RememberedInput): Promise<void> {
  (await currentSession()).onRemembered?.(failed === undefined ? undefined : toError(failed));
}

async function createLoader(session: WorkerSession, chosen: PlainClass): Promise<Loader> {
  const found = await findLoaderClass(session, chosen);
  return await found.create(...await makeArguments(session, found, chosen));
}

/** Returns undefined for a class that loads over one connection. */
async function createParallel(
  session: WorkerSession,
  chosen: PlainClass,
  own?: Connector,
): Promise<ParallelLoad | undefined> {
  const found = await findLoaderClass(session, chosen);
  return await found.createParallel?.(...await makeArguments(session, found, chosen, own));
}

/** Creates the queue of a whole load: with all files of a committed stage, or filled by `feed`. */
async function openQueue(
  session: WorkerSession,
  slice: StageSlice,
  isGrowing: true | undefined,
  signal: AbortSignal,
): Promise<StagedFileQueue<StageSlice>> {
  const queue = addQueue(session, undefined, signal);
  if (isGrowing === undefined) {
    queue.push(slice);
    queue.end(await openSlice(slice));
  }
  return queue;
}

/** Creates a queue that `feed` fills. An abort fails it, since the host then sends no end. */
function addQueue(
  session: WorkerSession,
  share: number | undefined,
  signal: AbortSignal,
  onEmpty?: () => void,
): StagedFileQueue<StageSlice> {
  const queue = new StagedFileQueue<StageSlice>(onEmpty);
  if (signal.aborted) queue.fail(signal.reason);
  signal.addEventListener("abort", () => queue.fail(signal.reason));
  session.queues.set(share, queue);
  return queue;
}

/**
 * The staged data of a queue. `report` is called at intervals, with the rows read since the last call, and
 * `onFiles` with files before they are read.
 */
async function readQueue(
  queue: StagedFileQueue<StageSlice>,
  first: StageSlice,
  report: (rows: number) => void,
  signal: AbortSignal,
  onFiles?: (files: readonly StagedFile[]) => void,
): Promise<StagedData> {
  const throttle = new ProgressThrottle(({ rows }) => report(rows));
  const slices = async function* () {
    for await (const slice of queue) {
      onFiles?.((await openSlice(slice)).files);
      yield slice;
    }
    throttle.flush();
  };
  return readStage(await openSlice(first), slices, () => queue.committed(), {
    async pause() {
      await yieldToEventLoop();
      signal.throwIfAborted();
    },
    onRead(rows, bytes) {
      if (rows > 0) countReleased(bytes);
      throttle.add(rows, bytes);
    },
  });
}

/** Builds the loader's task from the host's input and the expected watermark of the stage. */
async function buildTask(
  session: WorkerSession,
  { isRemembered, verify, maxErrors: _, keys, ...input }: Omit<
    LoadInput,
    "loader" | "staged" | "isGrowing"
  >,
  staged: StagedData,
  signal: AbortSignal,
): Promise<LoadTask> {
  return {
    ...input,
    ...(keys === undefined ? {} : { keys: await readKeys(keys, signal) }),
    claim: { ...input.claim, onWait: (message) => sendWarning(message, true) },
    staged,
    expected: staged.details.watermark?.expected,
    ...(isRemembered ? { journal: openJournal(session) } : {}),
    ...(verify === "counts" ? {} : { verify: verifyLazily(staged, input.upsertKeys, verify) }),
    signal,
  };
}

/** The staged keys of the source. */
async function readKeys(slice: StageSlice, signal: AbortSignal): Promise<StagedData> {
  const queue = new StagedFileQueue<StageSlice>();
  queue.push(slice);
  queue.end(await openSlice(slice));
  return await readQueue(queue, slice, () => {}, signal);
}

/** Returns the verification of a load, whose code is loaded when it begins. */
function verifyLazily(
  staged: StagedData,
  keys: readonly string[],
  wanted: VerifyLevel | undefined,
): VerifyLoad {
  return async (rows) => {
    const { createVerification } = await import("../../../integrity/verify_rows.ts");
    return await createVerification(staged, keys, wanted)(rows);
  };
}

/** Creates a journal that sends commit records to the host, and waits until the host has stored them. */
function openJournal(session: WorkerSession): CommitJournal {
  return {
    remember: (committing) => askHost(session, () => session.reportCommit!({ committing })),
  };
}

/** Reports something to the host, and waits until the host has stored it. */
async function askHost(session: WorkerSession, report: () => void): Promise<void> {
  const { signal } = session;
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort);
  session.onRemembered = (failed) => failed === undefined ? resolve() : reject(failed);
  try {
    report();
    await promise;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
