/** Loads by LOAD DATA LOCAL INFILE, in one transaction or into a new table that then takes its place. */
import { createHash } from "node:crypto";
import { LoaderError, messageOf, VerificationError } from "../../../core/errors.ts";
import { waitForLock } from "../../../core/files/run_lock.ts";
import type { LoadReceipt, LoadTask, PlannedLoad } from "../../../core/contracts/loader.ts";
import { warnOfOmissions } from "../column_match.ts";
import type { TableName } from "../contract.ts";
import { type LoadSteps, refuseCascades } from "../load_plan.ts";
import { refuseStale, RelationalLoader } from "../loader.ts";
import { displayTable, quoteTable, tableName } from "../names.ts";
import { refuseNulls } from "../null_checks.ts";
import { deleteAll, hasUniqueKey, upsertClause } from "../statements.ts";
import { describeNewTable, findTarget, makeTarget } from "../target.ts";
import { catalog, type MySQLTable } from "./catalog.ts";
import type { MySQLConnector } from "./connector.ts";
import { commitLoad } from "./load_commit.ts";
import { dialect, quote, textLiteral } from "./dialect.ts";
import { watermarks } from "./max_watermark.ts";
import { mysql, type Target } from "./system.ts";
import type { ColumnLimit } from "./wire/infile_encoder.ts";
import {
  type InfileColumn,
  InfileEncoder,
  insertSpelling,
  LINES,
  loadStatement,
  type RowSpelling,
} from "./wire/infile_encoder.ts";
import { Session } from "./wire/session.ts";

/** Engines that roll back. */
const TRANSACTIONAL = /^(InnoDB|RocksDB|TokuDB|ndbcluster)$/i;
/** Milliseconds in which the server ends what a killed load had it do. */
const GRACE_MS = 1000;

export interface LoaderOptions {
  readonly replace: "delete" | "swap";
}

/**
 * A table that exists is loaded in one transaction. One that does not is loaded beside its name and renamed,
 * since the server commits each change of a table by itself; so is one that `replace: swap` replaces.
 */
export class MySQLLoader extends RelationalLoader<Session, MySQLTable, ColumnLimit> {
  protected override readonly watermarks = watermarks;

  constructor(
    protected override readonly connector: MySQLConnector,
    private readonly options: LoaderOptions = { replace: "delete" },
  ) {
    super();
  }

  protected override async write(task: LoadTask): Promise<LoadReceipt> {
    const session = await Session.open(this.connector.config, task.signal, { localFiles: true });
    const release = session.abortedBy(task.signal);
    try {
      const lock = await lockTarget(session, task);
      await refuseStale(watermarks, session, task);
      const found = await findTarget(mysql, session, task, tableName(task.target));
      if (found !== undefined) {
        await refuseTable(session, found.table);
        warnOfOmissions(this.connector.warn, found);
      }
      const isSwap = found !== undefined && task.mode === "replace" && this.#isSwap;
      if (isSwap) await refuseSwap(session, found.table);
      if (found !== undefined && !isSwap) return await loadInPlace(session, task, found, lock);
      return await loadBeside(session, task, found, lock, (sql) => this.#runLater(session, sql));
    } finally {
      release();
      await session.close();
    }
  }

  /** Runs a statement over a session that was ended meanwhile, or over another one. */
  async #runLater(session: Session, sql: string): Promise<void> {
    if (session.usable) await session.query(sql);
    else {
      await session.close();
      const other = await Session.open(this.connector.config);
      await other.query(sql).finally(() => other.close());
    }
  }

  protected override steps({ upsertKeys }: PlannedLoad): LoadSteps<Session, MySQLTable> {
    return {
      refuseTable,
      upsertStatements: async (session, _name, fields, table) => {
        const names = fields.map(({ name }) => name);
        if (table === undefined) return [];
        await refuseOtherKeys(session, table, names, upsertKeys);
        return await uniqueKeyStatements(session, table, upsertKeys);
      },
      replacement: async (session, table) => {
        if (this.#isSwap) await refuseSwap(session, table);
        const loss = (rows: string) => `${rows} of ${table.label} are deleted`;
        return { statements: this.#isSwap ? [] : [deleteAll(table.name)], loss };
      },
    };
  }

  get #isSwap(): boolean {
    return this.options.replace === "swap";
  }
}

/** Names that loads of one table share, of any length of its own. */
async function hashOf(session: Session, { schema, name }: TableName): Promise<string> {
  const { rows: [row] } = await session.query("SELECT DATABASE()");
  const text = JSON.stringify([schema ?? row![0], name].map((part) => part?.toLowerCase()));
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/** Takes the lock of a table, and returns its name; the server frees it with the session. */
async function lockTarget(session: Session, { target, claim, signal }: LoadTask): Promise<string> {
  const table = tableName(target);
  const name = `dxt_${await hashOf(session, table)}`;
  const lock = textLiteral(name);
  const what = `table ${displayTable(table)}`;
  await waitForLock(what, claim, signal, async () => {
    const { rows: [row] } = await session.query(
      `SELECT GET_LOCK(${lock}, 0), IS_USED_LOCK(${lock})`,
    );
    return row![0] === "1" ? { held: true } : { holder: `connection ${row![1]} of MySQL` };
  }, GRACE_MS);
  return name;
}

/** @throws {LoaderError} for a table whose rows need not be those that a load writes */
async function refuseTable(session: Session, { label, engine, schema, table }: MySQLTable) {
  if (engine !== "" && !TRANSACTIONAL.test(engine)) {
    throw new LoaderError(
      `Cannot load into ${label}: its engine ${engine} has no transactions, expected InnoDB`,
    );
  }
  const triggers = await triggersOf(session, { schema, table });
  const before = triggers.find(({ timing }) => timing === "BEFORE");
  if (before === undefined) return;
  throw new LoaderError(
    `Cannot load into ${label}: trigger "${before.name}" runs before each row and may change it; drop the trigger, or load another table`,
  );
}

async function triggersOf(
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
  const [trigger] = await triggersOf(session, table);
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

async function loadInPlace(
  session: Session,
  task: LoadTask,
  target: Target,
  lock: string,
): Promise<LoadReceipt> {
  const { table } = target;
  const upsert = task.mode === "upsert" ? await prepareUpsert(session, target, task) : undefined;
  await session.query("START TRANSACTION");
  if (task.mode === "replace") {
    await refuseCascades(mysql, session, table);
    await session.query(deleteAll(table.name));
  }
  const rows = await fill(session, task, target, upsert);
  const total = task.mode === "replace" ? await proveCount(session, table, rows) : undefined;
  await commitLoad(session, task, { lock, rows, creates: false }, "COMMIT");
  return receiptOf(rows, total);
}

async function loadBeside(
  session: Session,
  task: LoadTask,
  existing: Target | undefined,
  lock: string,
  runLater: (sql: string) => Promise<void>,
): Promise<LoadReceipt> {
  const wanted = tableName(task.target);
  const hash = await hashOf(session, wanted);
  const beside = { ...wanted, name: `dxt_new_${hash}` };
  const [name, newName, oldName] = [wanted, beside, { ...wanted, name: `dxt_old_${hash}` }]
    .map((table) => quoteTable(table, dialect)) as [string, string, string];
  // What a killed load left.
  await session.query(`DROP TABLE IF EXISTS ${newName}, ${oldName}`);
  try {
    const made = existing === undefined
      ? await makeTarget(mysql, session, task, {
        ...await describeNewTable(mysql, session, task),
        name: beside,
      })
      : existing;
    if (existing !== undefined) await session.query(`CREATE TABLE ${newName} LIKE ${name}`);
    const label = displayTable(wanted);
    const target = { ...made, table: { ...made.table, name: newName, label } };
    const upsert = task.mode === "upsert" ? await prepareUpsert(session, target, task) : undefined;
    await session.query("START TRANSACTION");
    const rows = await fill(session, task, target, upsert);
    await session.query("COMMIT");
    const total = task.mode === "replace"
      ? await proveCount(session, target.table, rows)
      : undefined;
    task.signal.throwIfAborted();
    if (existing === undefined) {
      const rename = `RENAME TABLE ${newName} TO ${name}`;
      await commitLoad(session, task, { lock, rows, creates: true }, rename);
    } else {
      await session.query(`RENAME TABLE ${name} TO ${oldName}, ${newName} TO ${name}`);
      await session.query(`DROP TABLE ${oldName}`);
    }
    return receiptOf(rows, total);
  } catch (error) {
    // Where that fails, too, the next load drops it.
    await runLater(`DROP TABLE IF EXISTS ${newName}`).catch(() => {});
    throw error;
  }
}

async function proveCount(session: Session, { name, label }: MySQLTable, rows: number) {
  const { rows: [count] } = await session.query(`SELECT COUNT(*) FROM ${name}`);
  const total = Number(count![0]);
  if (total === rows) return total;
  throw new VerificationError(
    `Cannot replace ${label}: it holds ${total} rows, staged are ${rows}`,
  );
}

function receiptOf(rows: number, total: number | undefined): LoadReceipt {
  const count = total === undefined ? "" : `, COUNT(*) = ${total}`;
  return { rows, evidence: `Records: ${rows}  Warnings: 0${count}` };
}

/** How rows are upserted from a table of the session's own. */
interface Upsert {
  /** Quoted name of that table, whose columns are those of the target. */
  readonly staging: string;
  readonly statement: string;
  /** Finds a key that only the collation takes for another one; undefined where keys have none. */
  readonly confusion: string | undefined;
}

/** Makes the table that an upsert takes its rows from; no transaction may be open. */
async function prepareUpsert(
  session: Session,
  { table, columns }: Target,
  { upsertKeys }: LoadTask,
): Promise<Upsert> {
  await refuseOtherKeys(session, table, columns.map(({ column }) => column.name), upsertKeys);
  for (const statement of await uniqueKeyStatements(session, table, upsertKeys)) {
    try {
      await session.query(statement);
    } catch (error) {
      throw new LoaderError(
        `Cannot upsert into ${table.label} by ${
          upsertKeys.map((key) => `"${key}"`).join(", ")
        }: no unique index of these columns can be made, ${messageOf(error)}`,
        { cause: error },
      );
    }
  }
  const staging = quote(`dxt_staging_${crypto.randomUUID().replaceAll("-", "")}`);
  const names = columns.map(({ column }) => quote(column.name));
  const list = names.join(", ");
  await session.query(
    `CREATE TEMPORARY TABLE ${staging} ENGINE=InnoDB AS SELECT ${list} FROM ${table.name} LIMIT 0`,
  );
  await session.query(
    `ALTER TABLE ${staging} ADD dxt_row BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY FIRST`,
  );
  const keys = columns.filter(({ field }) => upsertKeys.includes(field.name));
  const others = columns.filter(({ field }) => !upsertKeys.includes(field.name));
  const clause = upsertClause(
    "on duplicate key",
    keys.map(({ column }) => quote(column.name)),
    // A record that is nothing but key is updated too.
    (others.length > 0 ? others : keys).map(({ column }) => quote(column.name)),
  );
  const texts = keys.filter(({ field }) => field.dtype === "string")
    .map(({ column }) => quote(column.name));
  const same = keys.map(({ column: { name } }) => `s.${quote(name)} = t.${quote(name)}`);
  const differ = texts.map((name) => `CAST(s.${name} AS BINARY) <> CAST(t.${name} AS BINARY)`);
  return {
    staging,
    statement:
      `INSERT INTO ${table.name} (${list}) SELECT ${list} FROM ${staging} ORDER BY dxt_row ${clause}`,
    confusion: texts.length === 0
      ? undefined
      : `SELECT ${
        texts.map((name) => `s.${name}, t.${name}`).join(", ")
      } FROM ${staging} s JOIN ${table.name} t
        ON ${same.join(" AND ")} WHERE ${differ.join(" OR ")} LIMIT 1`,
  };
}

/** The statements that make a unique index of the keys where a table has none; the index stays. */
async function uniqueKeyStatements(
  session: Session,
  table: MySQLTable,
  keys: readonly string[],
): Promise<string[]> {
  if (hasUniqueKey(await catalog.uniqueKeys(session, table), keys, dialect)) return [];
  const hash = createHash("sha256").update(JSON.stringify(keys)).digest("hex").slice(0, 16);
  const columns = keys.map(quote).join(", ");
  return [`CREATE UNIQUE INDEX ${quote(`dxt_upsert_${hash}`)} ON ${table.name} (${columns})`];
}

/**
 * ON DUPLICATE KEY means any unique index: another one than that of the keys would make the server update
 * rows of other keys.
 */
async function refuseOtherKeys(
  session: Session,
  table: MySQLTable,
  loaded: readonly string[],
  keys: readonly string[],
): Promise<void> {
  const fold = (names: readonly string[]) => names.map(dialect.foldName).sort().join("\0");
  const all = await catalog.uniqueKeys(session, table);
  const list = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");
  const numbering = table.columns.find(({ numbersRows }) => numbersRows)?.name;
  const other = all.find((names) =>
    fold(names) !== fold(keys) &&
    !(numbering !== undefined && names.includes(numbering) && !loaded.includes(numbering))
  );
  if (other === undefined) return;
  throw new LoaderError(
    `Cannot upsert into ${table.label} by ${list(keys)}: its unique index of ${
      list(other)
    } would make MySQL update rows of other keys`,
  );
}

/** Writes all rows into the target, in the open transaction; returns how many the server took. */
async function fill(
  session: Session,
  task: LoadTask,
  target: Target,
  upsert: Upsert | undefined,
): Promise<number> {
  const into = upsert?.staging ?? target.table.name;
  const columns: InfileColumn[] = target.columns.map(({ field, column, fit, at }) => ({
    field,
    limit: session.isMariaDB ? { ...fit, noNegativeZero: true } : fit,
    name: quote(column.name),
    at,
  }));
  const taken = await send(session, task, target, into, columns);
  const { count } = task.staged;
  if (taken !== count) {
    throw new VerificationError(
      `Cannot load into ${target.table.label}: MySQL took ${taken} rows, staged are ${count}`,
    );
  }
  if (upsert !== undefined) {
    await refuseConfusion(session, target, upsert);
    const { warnings } = await session.query(upsert.statement);
    await refuseWarnings(session, target, warnings);
    await refuseConfusion(session, target, upsert);
  }
  return count;
}

/** By a file, or by statements where the server takes none, as MySQL 8 by default. */
async function send(
  session: Session,
  task: LoadTask,
  target: Target,
  into: string,
  columns: readonly InfileColumn[],
): Promise<number> {
  const { rows: [row] } = await session.query("SELECT @@local_infile");
  if (row![0] === "1") {
    const chunks = chunksOf(task, target, columns, LINES);
    const end = await session.load(loadStatement(into, columns), chunks);
    await refuseWarnings(session, target, end.warnings);
    return end.affectedRows;
  }
  let taken = 0;
  for await (const sql of chunksOf(task, target, columns, insertSpelling(into, columns))) {
    const end = await session.query(sql);
    await refuseWarnings(session, target, end.warnings);
    taken += end.affectedRows;
  }
  return taken;
}

async function* chunksOf(
  task: LoadTask,
  target: Target,
  columns: readonly InfileColumn[],
  spelling: RowSpelling,
): AsyncGenerator<Uint8Array, void, void> {
  const encoder = new InfileEncoder(columns, spelling);
  for await (const batch of task.staged.readBatches(true)) {
    task.signal.throwIfAborted();
    refuseNulls(batch, target, task, encoder.rows);
    yield* encoder.encode(batch);
  }
  yield* encoder.finish();
}

/** LOAD DATA LOCAL makes warnings of what a strict mode refuses, and leaves out rows of a known key. */
async function refuseWarnings(session: Session, { table }: Target, count: number): Promise<void> {
  if (count === 0) return;
  const { rows } = await session.query("SHOW WARNINGS LIMIT 1");
  const said = rows[0] === undefined ? "" : `: ${rows[0][2]} (${rows[0][1]})`;
  throw new LoaderError(
    `Cannot load into ${table.label}: MySQL changed or left out what it was given, ${count} warnings${said}`,
  );
}

/** A row whose key equals that of another only by collation would have taken its place. */
async function refuseConfusion(session: Session, { table }: Target, { confusion }: Upsert) {
  if (confusion === undefined) return;
  const { rows: [pair] } = await session.query(confusion);
  if (pair === undefined) return;
  throw new LoaderError(
    `Cannot upsert into ${table.label}: its collation takes two keys for one that differ in case, accents or closing blanks`,
  );
}
