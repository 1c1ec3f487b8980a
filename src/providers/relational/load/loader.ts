/** The part of a loader that all relational systems share: checks, plan, and proof of the rows. */
import { LoaderError, messageOf, VerificationError } from "../../../core/errors.ts";
import {
  type AskedWatermark,
  type Loader,
  type LoadPlan,
  type LoadReceipt,
  type LoadTask,
  type PlannedLoad,
  refuseStaleRange,
  type TargetColumn,
} from "../../../core/contracts/loader.ts";
import type { Value } from "../../../core/values/values.ts";
import type { Field } from "../../../models/field.ts";
import type { StreamTarget } from "../../../models/source.ts";
import { describeColumns } from "../column_match.ts";
import type { RelationalSystem, SqlSession, Table } from "../contract.ts";
import { type LoadingConnector, type LoadSteps, planLoad, refuseCascades } from "./load_plan.ts";
import { findMaxWatermark, type WatermarkReader } from "../max_watermark.ts";
import { displayTable, tableName } from "../names.ts";
import { countRows, deleteRows, matchingRows } from "./statements.ts";
import { checkLoadTask } from "./target.ts";
import { countDeletable, deleteMissing, describeDeleted, type StagedKeys } from "./deletes.ts";
import { keepsHistory, planVersions } from "./history.ts";
import { uniqueKeyStatements } from "./unique_key.ts";
import type { VersionSyntax } from "./version_statements.ts";

/** Checks and plans loads and finds watermarks; a provider's subclass writes the rows. */
export abstract class RelationalLoader<S extends SqlSession, T extends Table, E> implements Loader {
  protected abstract readonly connector: LoadingConnector<S, T, E>;
  protected abstract readonly watermarks: WatermarkReader<S, T>;
  protected abstract readonly versionSyntax: VersionSyntax;

  /** Writes the rows of a checked task, or leaves the target as it was. */
  protected abstract write(task: LoadTask): Promise<LoadReceipt>;

  /** Refuses a load that the options of the loader rule out. */
  protected refuseLoad(_load: PlannedLoad): void {}

  /** The steps of this load. By default a replacement deletes rows, and an upsert indexes its keys. */
  protected steps(load: PlannedLoad): LoadSteps<S, T> {
    const { upsertKeys, where } = load;
    const { system } = this.connector;
    return {
      upsertStatements: async (session, name, fields, table) => {
        if (keepsHistory(load)) {
          return await planVersions(system, this.versionSyntax, session, name, fields, load, table);
        }
        // A table that the load creates has its keys as primary key.
        return table === undefined
          ? []
          : await uniqueKeyStatements(system, session, table, upsertKeys);
      },
      replacement: (_session, { name, label }) =>
        Promise.resolve({
          statements: [deleteRows(matchingRows(name, where))],
          loss: (rows) => `${rows} of ${label} are deleted`,
        }),
    };
  }

  async load(task: LoadTask): Promise<LoadReceipt> {
    const { dialect } = this.connector.system;
    task.signal.throwIfAborted();
    if (task.staged.kind !== "records") {
      throw new LoaderError(`Cannot load files into ${dialect.product}: expected records`);
    }
    checkLoadTask(task, dialect);
    this.refuseLoad(task);
    return await nameTarget(this.connector, task, () => this.write(task));
  }

  plan(load: PlannedLoad): Promise<LoadPlan> {
    const { connector } = this;
    return nameTarget(
      connector,
      load,
      () => {
        this.refuseLoad(load);
        return connector.readingTables((session) =>
          planLoad(connector, session, load, this.steps(load))
        );
      },
    );
  }

  getMaxWatermark(
    target: StreamTarget,
    field: string,
    request: AskedWatermark = {},
  ): Promise<Exclude<Value, null> | undefined> {
    const { connector } = this;
    return connector.readingTables((session) =>
      findMaxWatermark(this.watermarks, session, { target, field, ...request })
    );
  }

  findColumns(target: StreamTarget, fields: readonly Field[]): Promise<readonly TargetColumn[]> {
    const { connector } = this;
    const { system } = connector;
    return connector.readingTables(async (session) => {
      const table = await system.catalog.find(session, tableName(target));
      return table === undefined ? [] : describeColumns(system, table, fields);
    });
  }
}

/**
 * Compares the target's highest watermark with the one that the range was made from, while the lock of
 * the target's loads is held.
 *
 * @throws {StaleRangeError} when they differ
 */
export async function refuseStale<S extends SqlSession, T extends Table>(
  watermarks: WatermarkReader<S, T>,
  session: S,
  task: LoadTask,
): Promise<void> {
  const { target, expected } = task;
  if (expected === undefined) return;
  refuseStaleRange(task, await findMaxWatermark(watermarks, session, { target, ...expected }));
}

/** Calls `work`, whose errors of the system get the name of the target. */
export async function nameTarget<R>(
  { isSystemError }: { isSystemError(error: unknown): boolean },
  { target }: Pick<PlannedLoad, "target">,
  work: () => Promise<R>,
): Promise<R> {
  try {
    return await work();
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const name = displayTable(tableName(target));
    throw new LoaderError(`Cannot load into ${name}: ${messageOf(error)}`, { cause: error });
  }
}

interface FillOptions {
  /** The load has created the table. */
  readonly isNew?: boolean;
  /** The keys of the staged rows, in a table of the session; called for a load that deletes rows. */
  readonly findStaged?: () => Promise<StagedKeys & Partial<Disposable>>;
}

/**
 * Writes the rows of a load in the open transaction. A replacement deletes rows first, unless the table is new.
 *
 * @param write returns the number of rows that the system reports, and its words for it
 * @throws {VerificationError} when that number, or the count of a replaced table, is not the staged one
 */
export async function fillTable<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  task: LoadTask,
  table: T,
  write: () => Promise<LoadReceipt>,
  { isNew = false, findStaged }: FillOptions = {},
): Promise<LoadReceipt> {
  const isReplace = task.mode === "replace";
  const before = await countDeletable(system, session, table, task);
  if (isReplace && !isNew) {
    await refuseCascades(system, session, table);
    await session.query(deleteRows(matchingRows(table.name, task.where)));
  }
  const { rows, evidence } = await write();
  const { count } = await task.staged.committed();
  if (rows !== count) {
    throw new VerificationError(
      `Cannot load into ${table.label}: ${system.dialect.product} took ${rows} rows, staged are ${count}`,
    );
  }
  if (task.deletes !== undefined && findStaged !== undefined) {
    const staged = await findStaged();
    using _ = { [Symbol.dispose]: () => staged[Symbol.dispose]?.() };
    const deleted = await deleteMissing(session, task, table, staged, system.dialect, before);
    return { rows, evidence: `${evidence}${await describeDeleted(task, deleted)}`, deleted };
  }
  if (!isReplace) return { rows, evidence };
  await proveReplaced(session, table, task);
  return { rows, evidence: `${evidence}, count(*) = ${rows}` };
}

/**
 * Counts the rows that a replacement left.
 *
 * @throws {VerificationError} when they are not as many as are staged: with a condition, some do not match it
 */
export async function proveReplaced(
  session: SqlSession,
  { name, label }: Table,
  { staged, where }: LoadTask,
): Promise<void> {
  const { count } = await staged.committed();
  const rows = await countRows(session, matchingRows(name, where));
  if (rows === count) return;
  throw new VerificationError(
    where === undefined || rows > count
      ? `Cannot replace ${label}: it holds ${rows} rows, staged are ${count}`
      : `Cannot replace rows of ${label}: of ${count} loaded rows ${
        count - rows
      } do not match load.where, so that the next load would not replace them; expected the same condition on the source`,
  );
}
