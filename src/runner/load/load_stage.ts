/** Loads the stage of a stream after its commit, or while it is still written. */
import type {
  OpenStage,
  StagedFile,
  StagedFiles,
  StageLock,
  StageSlice,
} from "../../core/contracts/buffer.ts";
import type { LoadReceipt } from "../../core/contracts/loader.ts";
import type { HostReceipt } from "../../integrity/receipt.ts";
import type { Field } from "../../models/field.ts";
import { type LoadMode, MAX_ERRORS } from "../../models/stream.ts";
import { fromError } from "../../sandbox/messages.ts";
import type { RunContext } from "../contract/run_context.ts";
import type { StageObserver } from "../extract/extract_partitions.ts";
import { isSameSystem } from "../plan/endpoint.ts";
import { chooseLoadSettings, rejectsRows } from "../plan/load_settings.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import { awaitAll } from "../worker/await_all.ts";
import type { ConnectionClient, LetterBox, OnCommit } from "../worker/connection_client.ts";
import { openTarget, plainClass } from "../worker/connection_clients.ts";
import type { LoadInput } from "../worker/inside/protocol.ts";
import { PartSequencer, StagedFileQueue } from "../worker/staged_file_queue.ts";
import { loadInParallel } from "./parallel_load.ts";
import { LoadLetters } from "./write_letters.ts";

/** One worker loads a smaller stage before more workers have started. */
const PARALLEL_BYTES = 4 * 1024 * 1024;

/**
 * The load of one stream. It begins while the stage is still written, if the target shows no row before the
 * stage is committed; otherwise when `finish` is called.
 */
export class StreamLoad implements StageObserver {
  #early: EarlyLoad | undefined;
  readonly #letters: LoadLetters;

  constructor(
    private readonly plan: StreamPlan,
    private readonly context: RunContext,
    private readonly lock: StageLock,
  ) {
    this.#letters = new LoadLetters(plan, context);
  }

  onOpen(stage: OpenStage): void {
    const { plan: { loader, stream }, context: { loads, source, target } } = this;
    const isEarly = loads && loader.overlaps && stream.load?.early !== false &&
      !isSameSystem(source, target);
    if (!isEarly) return;
    this.#early = new EarlyLoad(this.plan, this.context, stage, this.lock, this.#letters);
  }

  onFile(file: StagedFile, part: number): void {
    this.#early?.push(file, part);
  }

  onPart(part: number): void {
    this.#early?.endPart(part);
  }

  /**
   * Called when the stage is committed: from then on the load may commit.
   *
   * @param keys all keys of the source, where the stage does not show which records are gone
   */
  async finish(staged: StagedFiles, keys?: StagedFiles): Promise<HostReceipt> {
    const letters = this.#letters;
    await letters.addUnstaged(staged);
    const receipt = await (this.#early?.finish(staged) ??
      loadCommitted(this.plan, this.context, staged, this.lock, letters, keys));
    return letters.publish(receipt);
  }

  /**
   * Called when the stage so far will not be committed, or its load has failed: leaves the target as it was.
   */
  async abort(error: unknown): Promise<void> {
    await this.#early?.abort(error);
    this.#early = undefined;
    this.#letters.withdraw(error);
  }
}

async function loadCommitted(
  plan: StreamPlan,
  context: RunContext,
  staged: StagedFiles,
  lock: StageLock,
  letters: LoadLetters,
  keys: StagedFiles | undefined,
): Promise<LoadReceipt> {
  await using target = await openTargetInTurn(plan, context);
  const input = {
    ...buildInput(plan, context, staged.slice(staged.files)),
    ...(keys === undefined ? {} : { keys: keys.slice(keys.files) }),
  };
  const onRows = reportRows(plan, context, staged.count);
  const onCommit = recordCommit(lock, plan, context, () => Promise.resolve(staged));
  const bytes = staged.files.reduce((sum, { size }) => sum + size, 0);
  const isLarge = staged.files.length > 1 && bytes > PARALLEL_BYTES && staged.kind === "records";
  const ticket = isLarge ? await beginParallel(context, target, input) : undefined;
  if (ticket === undefined) {
    return await target.load(
      input,
      onRows,
      onCommit,
      await openLetterBox(plan, letters, staged.fields),
    );
  }
  const queue = new StagedFileQueue<StagedFile>();
  for (const file of staged.files) queue.push(file);
  queue.end(staged);
  return await loadInParallel(
    { target, context, input, ticket, stage: staged, queue, onRows },
    onCommit,
  );
}

/** A load that takes the files of a stage as they are closed. */
class EarlyLoad {
  /** Files in the order of their closing, for connections that share a load. */
  readonly #closed = new StagedFileQueue<StagedFile>();
  /** Files in the order of the stage: of records that share a key the last one wins. */
  readonly #ordered = new StagedFileQueue<StagedFile>();
  readonly #sequencer = new PartSequencer<StagedFile>((file) => this.#ordered.push(file));
  readonly #receipt: Promise<LoadReceipt>;
  /** Resolves when nothing more of the stage is written. */
  readonly #written = Promise.withResolvers<void>();

  constructor(
    plan: StreamPlan,
    context: RunContext,
    private readonly stage: OpenStage,
    lock: StageLock,
    letters: LoadLetters,
  ) {
    this.#receipt = this.#load(plan, context, lock, letters);
    // `finish` awaits it when the stage is committed, which may be long after it failed.
    this.#receipt.catch(() => {});
  }

  push(file: StagedFile, part: number): void {
    this.#closed.push(file);
    this.#sequencer.push(file, part);
  }

  endPart(part: number): void {
    this.#sequencer.end(part);
  }

  finish(staged: StagedFiles): Promise<LoadReceipt> {
    this.#closed.end(staged);
    this.#ordered.end(staged);
    this.#written.resolve();
    return this.#receipt;
  }

  async abort(error: unknown): Promise<void> {
    this.#closed.fail(error);
    this.#ordered.fail(error);
    this.#written.resolve();
    await this.#receipt.catch(() => {});
  }

  async #load(
    plan: StreamPlan,
    context: RunContext,
    lock: StageLock,
    letters: LoadLetters,
  ): Promise<LoadReceipt> {
    await using target = await openTargetInTurn(plan, context);
    // A target that waits for a slow source makes no progress, and is not to blame for it.
    const pause = target.hold();
    void this.#written.promise.then(() => pause?.[Symbol.dispose]());
    const { stage } = this;
    const input = { ...buildInput(plan, context, stage.slice([])), isGrowing: true as const };
    const onRows = reportRows(plan, context);
    const onCommit = recordCommit(lock, plan, context, () => this.#closed.committed());
    const ticket = await beginParallel(context, target, input);
    if (ticket !== undefined) {
      const load = { target, context, input, ticket, stage, queue: this.#closed, onRows };
      return await loadInParallel(load, onCommit);
    }
    const box = await openLetterBox(plan, letters, stage.fields);
    const load = target.load(input, onRows, onCommit, box);
    const files = sendFiles(this.#ordered, stage, target);
    await awaitAll<unknown>([load, files], (error) => this.#ordered.fail(error));
    return await load;
  }
}

/** Opens the dead letters for rows that the target refuses. */
function openLetterBox(
  { stream }: StreamPlan,
  letters: LoadLetters,
  fields: readonly Field[],
): Promise<LetterBox> | LetterBox {
  if (rejectsRows(stream)) return letters.open(fields);
  const refuse = () => {
    throw new TypeError("Cannot reject rows: the pipeline does not allow it");
  };
  return { append: refuse, seal: refuse };
}

/** Sends a worker the files of a queue, until the stage is committed or fails. */
async function sendFiles(
  queue: StagedFileQueue<StagedFile>,
  stage: Pick<OpenStage, "slice">,
  target: ConnectionClient,
): Promise<void> {
  try {
    for await (const file of queue) await target.call("feed", { slice: stage.slice([file]) });
  } catch (error) {
    return await target.call("feed", { failed: fromError(error) });
  }
  const staged = await queue.committed();
  await target.call("feed", { committed: staged.slice(staged.files) });
}

async function openTargetInTurn(plan: StreamPlan, context: RunContext): Promise<ConnectionClient> {
  await context.turn;
  context.signal.throwIfAborted();
  return openTarget(plan, context);
}

/** Returns undefined if one connection writes the load. */
async function beginParallel(
  { threads }: RunContext,
  target: ConnectionClient,
  input: LoadInput,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  return threads.most > 1 ? await target.call("beginParallel", input) : undefined;
}

function buildInput(plan: StreamPlan, context: RunContext, staged: StageSlice): LoadInput {
  const settings = chooseLoadSettings(plan, context);
  return {
    loader: plainClass(plan.loader),
    target: plan.target,
    staged,
    claim: context.claim,
    isRemembered: isRemembered(plan, settings.mode),
    verify: plan.stream.load?.verify,
    maxErrors: plan.stream.error_handling?.max_errors ?? MAX_ERRORS,
    ...settings,
  };
}

/** Stores the record of a commit beside the stage, before the load commits. */
function recordCommit(
  lock: StageLock,
  { source, target }: StreamPlan,
  { runId }: RunContext,
  committed: () => Promise<StagedFiles>,
): OnCommit {
  return async (record) => {
    const at = Temporal.Now.instant().toString({ smallestUnit: "second" });
    const { count } = await committed();
    await lock.remember({ run_id: runId, at, source, target, rows: count, record });
  };
}

/** @param total rows to load, if they are known */
function reportRows(
  plan: StreamPlan,
  context: RunContext,
  total?: number,
): (rows: number) => void {
  let loaded = 0;
  const known = total === undefined ? {} : { total };
  return (more) => {
    loaded += more;
    const stream = plan.stream.id;
    context.onEvent({ type: "progress", stream, phase: "load", rows: loaded, bytes: 0, ...known });
  };
}

/**
 * Whether a failed load may be repeated. Replacing or upserting the same rows again changes nothing, and an
 * append records its commit beside the stage.
 */
export function isRepeatable(
  plan: StreamPlan,
  context: Pick<RunContext, "fullRefresh" | "target">,
): boolean {
  const { mode } = chooseLoadSettings(plan, context);
  const isExternal = plan.loader.code !== undefined || context.target.code !== undefined;
  return mode !== "append" || isRemembered(plan, mode) && !isExternal;
}

/** Whether a load records its commit beside its stage. */
function isRemembered({ buffer }: StreamPlan, mode: LoadMode): boolean {
  return mode === "append" && buffer.format !== "memory";
}
