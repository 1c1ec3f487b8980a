/** Staged data → a table, in one transaction. */
import type {
  LoadReceipt,
  LoadTask,
  LoadTicket,
  ParallelLoad,
  PlannedLoad,
  SharedLoad,
} from "../../../core/contracts/loader.ts";
import { warnOfOmissions } from "../column_match.ts";
import type { LoadSteps } from "../load/load_plan.ts";
import { countDeletable, deleteMissing, describeDeleted } from "../load/deletes.ts";
import { keepsHistory } from "../load/history.ts";
import { nameTarget, proveReplaced, refuseStale, RelationalLoader } from "../load/loader.ts";
import { isSwap, refuseRejects, type ReplaceOption } from "../loader_options.ts";
import type { WatermarkReader } from "../max_watermark.ts";
import { checkLoadTask, prepareTarget } from "../load/target.ts";
import type { PostgresConnector } from "./connector.ts";
import { acceptInSteps } from "./load/accept_rows.ts";
import { copyIn } from "./load/copy_in.ts";
import { stageKeys } from "./load/stage_keys.ts";
import { commitLoad } from "./load/load_commit.ts";
import { lockLoads } from "./load/load_lock.ts";
import { loadSteps } from "./load/load_plan.ts";
import {
  emptyTable,
  INDEX_STAGE,
  lastStaged,
  prepareUpsert,
  refuseOtherRows,
  STAGE,
  stageTable,
} from "./load/upsert.ts";
import { examineTable, selectAll, selectWritten, verifyLoaded } from "./load/verify_load.ts";
import { versionSyntax, writeVersions } from "./load/versions.ts";
import { loadShare, shareLoad } from "./parallel_load.ts";
import type { Relation } from "./sql/catalog.ts";
import { dialect } from "./sql/dialect.ts";
import { watermarkReader } from "./sql/max_watermark.ts";
import type { PostgresSystem, Target } from "./system.ts";
import type { ColumnEncoding } from "./types/column_encoding.ts";
import type { Session } from "./wire/session.ts";

/**
 * Appends by COPY into the table itself. Replaces by DELETE and COPY: TRUNCATE would be faster, but is
 * not under MVCC, so that a reader with an older snapshot would find the table empty. Other writers wait
 * until the end, readers do not. A swap of tables (`table_swap.ts`) is an option, since it makes readers
 * wait, and older snapshots see none of its rows. Upserts by COPY into a temporary table (`upsert.ts`), and so
 * keeps versions (`versions.ts`).
 * Several connections may write a new table (`parallel_load.ts`).
 */
export class PostgresCopyLoader extends RelationalLoader<Session, Relation, ColumnEncoding> {
  protected override readonly watermarks: WatermarkReader<Session, Relation>;
  protected override readonly versionSyntax = versionSyntax;

  constructor(
    protected override readonly connector: PostgresConnector,
    private readonly options: ReplaceOption = { replace: "delete" },
  ) {
    super();
    this.watermarks = watermarkReader(connector.system);
  }

  protected override refuseLoad(load: PlannedLoad): void {
    refuseRejects(load, this.options);
  }

  protected override steps(load: PlannedLoad): LoadSteps<Session, Relation> {
    const steps = loadSteps(load, isSwap(load, this.options));
    if (!keepsHistory(load)) return steps;
    return { ...steps, upsertStatements: super.steps(load).upsertStatements };
  }

  protected override async write(task: LoadTask): Promise<LoadReceipt> {
    if (isSwap(task, this.options)) {
      const receipt = await new PostgresParallelLoad(this.connector, this.options).loadAlone(task);
      if (receipt !== undefined) return receipt;
    }
    const { config, system, warn } = this.connector;
    const session = await this.connector.begin("write", task.signal);
    const release = session.endOnAbort(task.signal);
    try {
      await lockLoads(session, task, config);
      await checkRange(this.connector, task);
      const target = await prepareTarget(system, session, task);
      warnOfOmissions(warn, target);
      const written = await writeRows(system, session, task, target);
      await task.rejections?.seal();
      await commitLoad(session, config, task);
      return { rows: (await task.staged.committed()).count, ...written };
    } catch (error) {
      await session.close();
      throw error;
    } finally {
      release();
      await this.connector.giveBack(session);
    }
  }
}

/** A new table beside the target that several connections write (`parallel_load.ts`). */
export class PostgresParallelLoad implements ParallelLoad {
  constructor(
    private readonly connector: PostgresConnector,
    private readonly options: ReplaceOption = { replace: "delete" },
  ) {}

  async begin(task: LoadTask): Promise<SharedLoad | undefined> {
    checkLoadTask(task, dialect);
    const check = () => checkRange(this.connector, task);
    return await nameTarget(
      this.connector,
      task,
      () => shareLoad(this.connector, task, isSwap(task, this.options), check),
    );
  }

  loadShare(task: LoadTask, ticket: LoadTicket): Promise<number> {
    return nameTarget(this.connector, task, () => loadShare(this.connector, task, ticket));
  }

  /** The same over one connection; undefined where the load cannot be shared. */
  async loadAlone(task: LoadTask): Promise<LoadReceipt | undefined> {
    const shared = await this.begin(task);
    if (shared === undefined) return undefined;
    try {
      return await shared.finish(await this.loadShare(task, shared.ticket));
    } catch (error) {
      await shared.abort();
      throw error;
    }
  }
}

/** Called while the lock of the target's loads is held; another session sees what was committed. */
async function checkRange(connector: PostgresConnector, task: LoadTask): Promise<void> {
  if (task.expected === undefined) return;
  const watermarks = watermarkReader(connector.system);
  await connector.reading((session) => refuseStale(watermarks, session, task));
}

async function writeRows(
  system: PostgresSystem,
  session: Session,
  task: LoadTask,
  target: Target,
): Promise<Omit<LoadReceipt, "rows">> {
  if (keepsHistory(task)) return await writeVersions(system, session, task, target);
  if (task.mode === "upsert") return await upsertRows(system, session, task, target);
  const { table } = target;
  const isReplace = task.mode === "replace";
  const hooks = isReplace ? await emptyTable(system, session, task, target) : undefined;
  const isAsked = !isReplace && task.verify !== undefined && table.kind !== "f";
  const before = isAsked ? await examineTable(session, table) : undefined;
  const evidence = await writeParts(session, task, target, async (part) => [
    await copyIn(session, part, target, table.name),
  ]);
  if (isReplace && task.where !== undefined) await proveReplaced(session, table, task);
  else if (hooks?.triggered === true) {
    await refuseOtherRows(session, target, (await task.staged.committed()).count);
  }
  const sql = isReplace
    ? selectAll(table, task.where)
    : selectWritten(table, task.rejections === undefined ? "whole" : "in steps");
  const verified = await verifyLoaded(system, session, task, target, { sql, before });
  return { evidence, verified };
}

async function upsertRows(
  system: PostgresSystem,
  session: Session,
  task: LoadTask,
  target: Target,
): Promise<Omit<LoadReceipt, "rows">> {
  const { table } = target;
  const isInSteps = task.rejections !== undefined;
  const before = await countDeletable(system, session, table, task);
  await session.query(stageTable(table.name, target.columns.map(({ field }) => field)));
  if (isInSteps) await session.query(INDEX_STAGE);
  const upsert = await prepareUpsert(system, session, task, target);
  const evidence = await writeParts(session, task, target, async (part) => {
    const after = isInSteps ? await lastStaged(session) : undefined;
    return [await copyIn(session, part, target, STAGE), ...await upsert.write(after)];
  });
  const staged = await stageKeys(session, task, target);
  const deleted = await deleteMissing(session, task, table, staged, dialect, before);
  const verified = await verifyLoaded(system, session, task, target, upsert.loaded);
  return { evidence: `${evidence}${await describeDeleted(task, deleted)}`, deleted, verified };
}

/**
 * Writes the rows of a load: all at once, or in steps where rows may be rejected.
 *
 * @param write writes all rows of a part of the load; returns the command tags
 * @returns the server's words
 */
async function writeParts(
  session: Session,
  task: LoadTask,
  target: Target,
  write: (part: LoadTask) => Promise<string[]>,
): Promise<string> {
  const { rejections } = task;
  if (rejections === undefined) return (await write(task)).join(", ");
  return await acceptInSteps(session, { ...task, rejections }, target, write);
}
