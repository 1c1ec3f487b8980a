/** Loads by LOAD DATA LOCAL INFILE, in one transaction or into a new table that then takes its place. */
import { LoaderError } from "../../../core/errors.ts";
import {
  type LoadReceipt,
  type LoadTask,
  type PlannedLoad,
  replacesAll,
} from "../../../core/contracts/loader.ts";
import { warnOfOmissions } from "../column_match.ts";
import type { LoadSteps } from "../load/load_plan.ts";
import { fillTable, refuseStale, RelationalLoader } from "../load/loader.ts";
import { keepsHistory } from "../load/history.ts";
import type { StagedKeys } from "../load/deletes.ts";
import { isSwap, refuseRejects, type ReplaceOption } from "../loader_options.ts";
import { displayTable, tableName } from "../names.ts";
import { planChanges } from "../load/table_changes.ts";
import { createTarget, describeNewTable, makeTarget } from "../load/target.ts";
import { sendRows } from "./load/send_rows.ts";
import { prepareKeys } from "./load/stage_keys.ts";
import { catalog, type MySQLTable } from "./catalog.ts";
import type { MySQLConnector } from "./connector.ts";
import { markerStatements, prepareMarker } from "./load/commit_marker.ts";
import { commitLoad, type PendingAppend } from "./load/load_commit.ts";
import { textLiteral } from "./dialect.ts";
import { isEmpty, verifyLoaded } from "./load/verify_load.ts";
import { watermarks } from "./max_watermark.ts";
import { refuseMissingRights } from "./privileges.ts";
import { lockLoads, nameLock, restoreReplaced, siblingTable } from "./load/sibling_table.ts";
import { prepareUpsert, refuseOtherKeys, runUpsert } from "./load/staged_upsert.ts";
import { prepareVersions, refuseOldServer, versionSyntax } from "./load/versions.ts";
import { mysql, type Target } from "./system.ts";
import type { ColumnLimit } from "./wire/infile_encoder.ts";
import { Session } from "./wire/session.ts";

export interface MySQLLoaderOptions extends ReplaceOption {
  /** Whether appends are marked as committed (`commit_marker.ts`); true when absent. */
  readonly commit_marker?: boolean;
}

/** Engines that roll back. */
const TRANSACTIONAL = /^(InnoDB|RocksDB|TokuDB|ndbcluster)$/i;

/**
 * Loads an existing table in one transaction. A new table, or one that `replace: swap` replaces, is loaded
 * under another name and renamed, since the server commits each change of a table at once.
 */
export class MySQLLoader extends RelationalLoader<Session, MySQLTable, ColumnLimit> {
  protected override readonly watermarks = watermarks;
  protected override readonly versionSyntax = versionSyntax;

  constructor(
    protected override readonly connector: MySQLConnector,
    private readonly options: MySQLLoaderOptions = { replace: "delete" },
  ) {
    super();
  }

  protected override refuseLoad(load: PlannedLoad): void {
    refuseRejects(load, this.options);
  }

  protected override async write(task: LoadTask): Promise<LoadReceipt> {
    const session = await Session.open(this.connector.config, task.signal, { localFiles: true });
    const release = session.endOnAbort(task.signal);
    try {
      await using held = await lockLoads(session, task);
      const lock = held.name;
      const name = tableName(task.target);
      const table = await catalog.find(session, name) ?? await this.#restore(session, task, lock);
      await refuseStale(watermarks, session, task);
      if (table === undefined) return await this.#loadBeside(session, task, lock);
      await refuseTable(session, table);
      const statements = await planChanges(mysql, session, table, task);
      if (this.#isBeside(task, statements)) {
        await refuseSwap(session, table);
        return await this.#loadBeside(session, task, lock, table);
      }
      // The server commits each of these changes at once.
      const target = await createTarget(mysql, session, task, name, statements);
      warnOfOmissions(this.connector.warn, target);
      const marker = await this.#prepareMarker(session, task, table);
      return await loadInto(session, task, target, { lock, creates: false, marker });
    } finally {
      release();
      await session.close();
    }
  }

  /** Ends a transaction. */
  async #prepareMarker(session: Session, task: LoadTask, table: MySQLTable) {
    if (!this.#hasMarker(task) || task.journal === undefined) return undefined;
    return await prepareMarker(session, table, this.connector.warn);
  }

  /** Other loads may be repeated. */
  #hasMarker({ mode }: PlannedLoad): boolean {
    return mode === "append" && this.options.commit_marker !== false;
  }

  /** Restores the table that a replacement had renamed when the server stopped. */
  async #restore(
    session: Session,
    { target }: LoadTask,
    lock: string,
  ): Promise<MySQLTable | undefined> {
    const restored = await restoreReplaced(session, tableName(target), lock);
    if (restored !== undefined) {
      this.connector.warn(
        `Table ${restored.label} did not exist: a replacement was cut off after it had renamed the table; it has its name and rows again`,
      );
    }
    return restored;
  }

  /** Loads a table of another name, then gives it the target's name in one statement. */
  async #loadBeside(
    session: Session,
    task: LoadTask,
    lock: string,
    existing?: MySQLTable,
  ): Promise<LoadReceipt> {
    const wanted = tableName(task.target);
    const { beside, newName, creation, rename, drop } = siblingTable(wanted, lock, existing);
    // A killed load may have left them.
    await session.query(drop);
    try {
      const made = existing === undefined
        ? await makeTarget(mysql, session, task, {
          ...await describeNewTable(mysql, session, task),
          name: beside,
        })
        : await createTarget(mysql, session, task, beside, [
          creation,
          ...await planChanges(
            mysql,
            session,
            { ...existing, name: newName },
            task,
            undefined,
            true,
          ),
        ]);
      if (existing !== undefined) warnOfOmissions(this.connector.warn, made);
      const target = { ...made, table: { ...made.table, label: displayTable(wanted) } };
      const creates = existing === undefined;
      return await loadInto(session, task, target, { lock, creates }, rename);
    } finally {
      // If that fails, the next load drops them.
      await this.#runLater(session, drop).catch(() => {});
    }
  }

  /** Runs a statement over the session, or over another one if the session has ended. */
  async #runLater(session: Session, sql: string): Promise<void> {
    if (session.usable) await session.query(sql);
    else {
      await session.close();
      const other = await Session.open(this.connector.config);
      await other.query(sql).finally(() => other.close());
    }
  }

  /** Whether a load replaces the table itself: on `replace: swap`, and if a replacement changes columns. */
  #isBeside(load: PlannedLoad, changes: readonly string[]): boolean {
    return isSwap(load, this.options) || replacesAll(load) && changes.length > 0;
  }

  protected override steps(load: PlannedLoad): LoadSteps<Session, MySQLTable> {
    const steps = super.steps(load);
    return {
      refuseTable,
      appendStatements: async (session, table) =>
        this.#hasMarker(load) ? await markerStatements(session, table) : [],
      async upsertStatements(session, name, fields, table) {
        const loaded = fields.map((field) => field.name);
        if (keepsHistory(load)) await refuseOldServer(session);
        else if (table !== undefined) {
          await refuseOtherKeys(session, table, loaded, load.upsertKeys);
        }
        return await steps.upsertStatements(session, name, fields, table);
      },
      replacement: async (session, table) => {
        const statements = await planChanges(mysql, session, table, load);
        const replacement = await steps.replacement(session, table);
        if (!this.#isBeside(load, statements)) return replacement;
        await refuseMissingRights(session, table, ["ALTER", "DROP"]);
        await refuseSwap(session, table);
        const lock = await nameLock(session, load);
        const { newName, creation, rename, drop } = siblingTable(
          tableName(load.target),
          lock,
          table,
        );
        return {
          ...replacement,
          beside: { name: newName, creation },
          statements: [rename, drop],
        };
      },
    };
  }
}

/** Fills a table in one transaction, which the renaming of a new table ends. */
async function loadInto(
  session: Session,
  task: LoadTask,
  target: Target,
  append: Omit<PendingAppend, "rows">,
  rename?: string,
): Promise<LoadReceipt> {
  // Creating a table or an index would end the transaction.
  const upsert = task.mode === "upsert" ? await prepareUpsert(session, target, task) : undefined;
  const versions = keepsHistory(task) ? await prepareVersions(session, target, task) : undefined;
  const staging = upsert?.staging ?? versions?.staging;
  const sourceKeys = await prepareKeys(session, task, target);
  await session.query("START TRANSACTION");
  const wasEmpty = task.verify !== undefined && await isEmpty(session, target.table);
  const write = async () => {
    const rows = await sendRows(session, task, target, staging ?? target.table.name);
    const evidence = `Records: ${rows}  Warnings: 0`;
    if (versions !== undefined) {
      return { rows, evidence: `${evidence}, ${await versions.load.write()}` };
    }
    if (upsert !== undefined) await runUpsert(session, target, upsert);
    return { rows, evidence };
  };
  const isNew = rename !== undefined;
  const findStaged = async (): Promise<StagedKeys> => ({
    ...{ keys: versions?.load.keys ?? upsert!.keys, now: versions?.load.now },
    table: await sourceKeys?.write(staging!) ?? versions?.load.table ?? staging!,
  });
  const options = { isNew, findStaged };
  const receipt = await fillTable(mysql, session, task, target.table, write, options);
  task.signal.throwIfAborted();
  const loaded = {
    ...{ creates: append.creates, wasEmpty, staging: upsert?.staging },
    versions: versions?.load.selectLoaded(),
  };
  const verified = await verifyLoaded(session, task, target, loaded);
  await task.rejections?.seal();
  const pending = { ...append, rows: receipt.rows };
  await commitLoad(session, task, target.table, pending, rename ?? "COMMIT");
  return { ...receipt, verified };
}

/** @throws {LoaderError} for a table whose rows need not be those that a load writes */
async function refuseTable(session: Session, { label, engine, schema, table }: MySQLTable) {
  if (engine !== "" && !TRANSACTIONAL.test(engine)) {
    throw new LoaderError(
      `Cannot load into ${label}: its engine ${engine} has no transactions, expected InnoDB`,
    );
  }
  const triggers = await listTriggers(session, { schema, table });
  const before = triggers.find(({ timing }) => timing === "BEFORE");
  if (before === undefined) return;
  throw new LoaderError(
    `Cannot load into ${label}: trigger "${before.name}" runs before each row and may change it; drop the trigger, or load another table`,
  );
}

async function listTriggers(
  session: Session,
  { schema, table }: Pick<MySQLTable, "schema" | "table">,
) {
  const { rows } = await session.query(
    `SELECT TRIGGER_NAME, ACTION_TIMING FROM information_schema.TRIGGERS
    WHERE EVENT_OBJECT_SCHEMA = ${textLiteral(schema)} AND EVENT_OBJECT_TABLE = ${
      textLiteral(table)
    }`,
  );
  return rows.map(([name, timing]) => ({ name, timing }));
}

/** @throws {LoaderError} for a table that has what a new one in its place would not have */
async function refuseSwap(session: Session, table: MySQLTable): Promise<void> {
  const [trigger] = await listTriggers(session, table);
  const { rows: [key] } = await session.query(
    `SELECT CONSTRAINT_NAME FROM information_schema.KEY_COLUMN_USAGE
    WHERE REFERENCED_TABLE_NAME IS NOT NULL
      AND (TABLE_SCHEMA = ${textLiteral(table.schema)} AND TABLE_NAME = ${textLiteral(table.table)}
        OR REFERENCED_TABLE_SCHEMA = ${textLiteral(table.schema)}
          AND REFERENCED_TABLE_NAME = ${textLiteral(table.table)}) LIMIT 1`,
  );
  const what = trigger !== undefined
    ? `trigger "${trigger.name}"`
    : key !== undefined
    ? `foreign key "${key[0]}"`
    : undefined;
  if (what === undefined) return;
  throw new LoaderError(
    `Cannot replace ${table.label} by a new table: it has ${what}, expected "replace: delete" in the loader's config`,
  );
}
