/** Staged data → a table, in one transaction. */
import { LoaderError } from "../../../core/errors.ts";
import {
  type AskedWatermark,
  type Loader,
  type LoadPlan,
  type LoadReceipt,
  type LoadTask,
  type LoadTicket,
  type ParallelLoad,
  type PlannedLoad,
  refuseStaleRange,
  type SharedLoad,
  type WatermarkQuery,
} from "../../../core/contracts/loader.ts";
import type { Value } from "../../../core/values/values.ts";
import type { StreamTarget } from "../../../models/source.ts";
import { checkLoadTask, prepareTarget } from "../target.ts";
import type { PostgresSystem, Target } from "./system.ts";
import { displayName, quoteTable, tableName } from "../names.ts";
import { warnOfOmissions } from "../column_match.ts";
import { planLoad } from "../load_plan.ts";
import type { PostgresConnector } from "./connector.ts";
import { commitLoad } from "./load/load_commit.ts";
import { copyIn } from "./load/copy_in.ts";
import { dialect } from "./sql/dialect.ts";
import { PostgresError } from "./wire/server_error.ts";
import { lockLoads } from "./load/load_lock.ts";
import { loadSteps } from "./load/load_plan.ts";
import { findMaxWatermark } from "../max_watermark.ts";
import { watermarkReader } from "./sql/max_watermark.ts";
import type { Session } from "./wire/session.ts";
import { loadShare, shareLoad } from "./parallel_load.ts";
import { emptyTable, refuseOtherRows, STAGE, stageTable, upsert } from "./load/upsert.ts";

export interface LoaderOptions {
  readonly replace: "delete" | "swap";
}

/**
 * Appends by COPY into the table itself. Replaces by DELETE and COPY: TRUNCATE would be faster, but is
 * not under MVCC, so that a reader with an older snapshot would find the table empty. Other writers wait
 * until the end, readers do not. A swap of tables (`table_swap.ts`) has to be asked for, as it makes readers
 * wait, and older snapshots see none of its rows. Upserts by COPY into a temporary table (`upsert.ts`). A
 * table that is not there yet may be written by several connections (`parallel_load.ts`).
 */
export class PostgresCopyLoader implements Loader {
  constructor(
    private readonly connector: PostgresConnector,
    private readonly options: LoaderOptions = { replace: "delete" },
  ) {}

  async load(task: LoadTask): Promise<LoadReceipt> {
    checkLoadTask(task, dialect);
    if (swaps(task, this.options)) {
      const receipt = await new PostgresParallelLoad(this.connector, this.options).loadAlone(task);
      if (receipt !== undefined) return receipt;
    }
    const { config, system, warn } = this.connector;
    const session = await this.connector.begin("write", task.signal);
    const release = session.abortedBy(task.signal);
    try {
      await lockLoads(session, task, config);
      await refuseStale(this.connector, task);
      const target = await prepareTarget(system, session, task);
      warnOfOmissions(warn, target);
      const evidence = await write(system, session, task, target);
      await commitLoad(session, config, task);
      return { rows: task.staged.count, evidence };
    } catch (error) {
      await session.close();
      throw explained(error, task);
    } finally {
      release();
      await this.connector.giveBack(session);
    }
  }

  async plan(load: PlannedLoad): Promise<LoadPlan> {
    try {
      const { system, warn } = this.connector;
      const steps = loadSteps(load, swaps(load, this.options));
      return await this.connector.reading((session) =>
        planLoad(system, session, load, steps, warn)
      );
    } catch (error) {
      throw explained(error, load);
    }
  }

  getMaxWatermark(
    target: StreamTarget,
    field: string,
    asked: AskedWatermark = {},
  ): Promise<Exclude<Value, null> | undefined> {
    return maxWatermark(this.connector, { target, field, ...asked });
  }
}

/** A new table beside the target that several connections write (`parallel_load.ts`). */
export class PostgresParallelLoad implements ParallelLoad {
  constructor(
    private readonly connector: PostgresConnector,
    private readonly options: LoaderOptions = { replace: "delete" },
  ) {}

  async begin(task: LoadTask): Promise<SharedLoad | undefined> {
    checkLoadTask(task, dialect);
    try {
      const check = () => refuseStale(this.connector, task);
      return await shareLoad(this.connector, task, swaps(task, this.options), check);
    } catch (error) {
      throw explained(error, task);
    }
  }

  async loadShare(task: LoadTask, ticket: LoadTicket): Promise<number> {
    try {
      return await loadShare(this.connector, task, ticket);
    } catch (error) {
      throw explained(error, task);
    }
  }

  /** The same over one connection; undefined where the load cannot be shared. */
  async loadAlone(task: LoadTask): Promise<LoadReceipt | undefined> {
    const shared = await this.begin(task);
    if (shared === undefined) return undefined;
    try {
      return await shared.finish(await this.loadShare(task, shared.ticket));
    } catch (error) {
      await shared.abort();
      throw explained(error, task);
    }
  }
}

function swaps({ mode }: PlannedLoad, { replace }: LoaderOptions): boolean {
  return mode === "replace" && replace === "swap";
}

/** To be called while the lock of the target's loads is held. */
async function refuseStale(connector: PostgresConnector, task: LoadTask): Promise<void> {
  const { expected, target } = task;
  if (expected === undefined) return;
  refuseStaleRange(task, await maxWatermark(connector, { target, ...expected }));
}

function maxWatermark(
  connector: PostgresConnector,
  query: WatermarkQuery,
): Promise<Exclude<Value, null> | undefined> {
  const reader = watermarkReader(connector.system);
  return connector.reading((session) => findMaxWatermark(reader, session, query));
}

async function write(
  system: PostgresSystem,
  session: Session,
  task: LoadTask,
  target: Target,
): Promise<string> {
  const { name } = target.table;
  if (task.mode === "upsert") {
    await session.query(stageTable(name, target.columns.map(({ field }) => field)));
    const copied = await copyIn(session, task, target, STAGE);
    return [copied, ...await upsert(session, task, target)].join(", ");
  }
  const hooks = task.mode === "replace" ? await emptyTable(system, session, target) : undefined;
  const copied = await copyIn(session, task, target, name);
  if (hooks?.triggered === true) await refuseOtherRows(session, target, task.staged.count);
  return copied;
}

function explained(error: unknown, task: PlannedLoad): unknown {
  if (!(error instanceof PostgresError)) return error;
  const name = displayName(quoteTable(tableName(task.target), dialect));
  return new LoaderError(`Cannot load into ${name}: ${error.message}`, { cause: error });
}
