/**
 * Loads into a database without tables: it writes the file page by page, several times as fast as by
 * statements. SQLite's own locks and journal guard the file. Another connection waits until the table
 * is complete; after a kill the next one finds the journal and empties the file again.
 * https://www.sqlite.org/fileformat2.html
 */
import { closeSync, fsyncSync, ftruncateSync, openSync, statSync, writeSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { VerificationError } from "../../../../core/errors.ts";
import {
  type LoadReceipt,
  type LoadTask,
  refuseStaleRange,
  type VerifiedLoad,
} from "../../../../core/contracts/loader.ts";
import { isKeyed } from "../../../../models/rules.ts";
import { type DatabaseFile, eventLoopPause } from "../sql/database_file.ts";
import { RollbackJournal } from "./rollback_journal.ts";
import { recordOfNew } from "../load/load_commit.ts";
import { lockLoads } from "../load/load_lock.ts";
import { verifyLoaded } from "../load/verify_load.ts";
import { readChecked } from "../../load/null_checks.ts";
import { makeTarget, type NewTable } from "../../load/target.ts";
import { isDirect } from "./value_encoders.ts";
import { RecordEncoder } from "./record_encoder.ts";
import { columnsAfter, writtenColumns } from "../load/written_columns.ts";
import { sqlite, type Target } from "../system.ts";
import { SqliteSession } from "../sql/session.ts";
import { BTreeWriter, nextPageNumber, PAGE, type PageSink } from "./btree_writer.ts";

/** Pages written with one call. */
const PAGES = 64;
/** Rows between two looks at the clock and the signal. */
const BREATHE = 4096;
/** The table's first page: SQLite itself gives it to the first table. */
const ROOT = 2;
/** Change counter above any earlier value, so that connections with a cached first page reload it. */
const CHANGES = 0x10000;

/** What SQLite itself makes of the load's table. */
interface Made {
  readonly target: Target;
  /** The page of a database without a table. */
  readonly before: Uint8Array;
  /** The page of the schema with the table. */
  readonly after: Uint8Array;
}

/**
 * Writes the table where there is none in the file, and it needs no indexes.
 *
 * @returns undefined where it is otherwise; then nothing was read, and nothing written
 */
export async function loadNewDatabase(
  file: DatabaseFile,
  database: DatabaseSync,
  task: LoadTask,
  table: NewTable,
): Promise<LoadReceipt | undefined> {
  const size = statSync(file.path).size;
  if (isKeyed(task.mode) || task.where !== undefined || size > PAGE) return undefined;
  const made = await tableInMemory(task, table);
  if (made === undefined) return undefined;
  // SQLite gives an empty file its first page, so that the lock below opens no journal.
  if (size === 0) await lockLoads(file, task, () => database.exec(MAKE_PAGE));
  await lockLoads(file, task, () => database.exec("BEGIN EXCLUSIVE"));
  try {
    const before = serializePage(database);
    if (before === undefined || !isSame(before, made.before)) return undefined;
    refuseStaleRange(task, undefined);
    await writeFile(file, before, made, task);
  } finally {
    // The transaction has kept others out, and changed nothing.
    database.exec("ROLLBACK");
  }
  const receipt = await createReceipt(database, made.target, task);
  return { ...receipt, verified: await verifyNew(database, made.target, receipt.rows, task) };
}

const MAKE_PAGE = "PRAGMA application_id = 0";

/** The database's page, when it has but one. */
function serializePage(database: DatabaseSync): Uint8Array | undefined {
  const { page_count: pages } = database.prepare("PRAGMA page_count").get()!;
  return pages === 1 ? database.serialize() : undefined;
}

/** Bounds of the change counter, and of the counter at the last change of size with SQLite's version. */
const COUNTERS = [[24, 28], [92, 100]] as const;

/** Whether two pages begin databases that differ in nothing but how often they were changed. */
function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length &&
    one.every((byte, i) => byte === other[i] || COUNTERS.some(([from, to]) => i >= from && i < to));
}

async function tableInMemory(task: LoadTask, table: NewTable): Promise<Made | undefined> {
  using memory = new DatabaseSync(":memory:");
  memory.exec(`PRAGMA page_size = ${PAGE}; ${MAKE_PAGE}`);
  const before = memory.serialize();
  const target = await makeTarget(sqlite, new SqliteSession(memory), task, table);
  const image = memory.serialize();
  const direct = target.columns.every(({ field, column, fit: { checked } }) =>
    isDirect({ ...field, ...checked }, column.type)
  );
  // More pages are those of indexes; a key without one is the row's number.
  const plain = image.length === ROOT * PAGE && !target.table.columns.some(({ key }) => key);
  return direct && plain ? { target, before, after: image.subarray(0, PAGE) } : undefined;
}

async function writeFile(
  file: DatabaseFile,
  before: Uint8Array,
  { target, after }: Made,
  task: LoadTask,
): Promise<void> {
  const journal = new RollbackJournal(file, before);
  const output = openSync(file.path, "r+");
  try {
    const pages = new PageFile(output);
    const tree = new BTreeWriter(pages);
    await addAll(tree, target, task);
    await refuseOtherCount(target, tree.rows, task);
    pages.end(after, tree.finish());
    fsyncSync(output);
    if (tree.rows > 0) await task.journal?.remember(recordOfNew(tree.rows));
    journal.commit();
  } catch (error) {
    writeAll(output, before, 0);
    ftruncateSync(output, PAGE);
    fsyncSync(output);
    journal.commit();
    throw error;
  } finally {
    // With it go the locks that this process has on the file, where nothing is left to be done;
    // SQLite itself still keeps this process's connections apart.
    closeSync(output);
  }
}

/**
 * Verifies a table that has appeared, since only then SQLite can read it, and drops it if it differs.
 *
 * @throws {VerificationError} when it differs from the stage
 */
async function verifyNew(
  database: DatabaseSync,
  target: Target,
  rows: number,
  task: LoadTask,
): Promise<VerifiedLoad | undefined> {
  try {
    const before = { last: 0n, hasRows: false };
    return await verifyLoaded(database, task, target, before, rows);
  } catch (error) {
    if (error instanceof VerificationError) database.exec(`DROP TABLE ${target.table.name}`);
    throw error;
  }
}

async function addAll(tree: BTreeWriter, target: Target, task: LoadTask): Promise<void> {
  // The database that is made here keeps text as UTF-8.
  const holders = target.columns.map(({ column }) => ({ declared: column.type, wide: false }));
  const breathe = eventLoopPause(task.signal);
  const records = new RecordEncoder();
  for await (const batch of readChecked(task, target)) {
    await breathe();
    const columns = columnsAfter(tree.rows, () => writtenColumns(batch, target));
    records.open(columns, holders, tree.rows);
    for (let row = 0; row < batch.numRows; row++) {
      records.put(row);
      tree.add(records);
      if (row % BREATHE === BREATHE - 1) await breathe();
    }
  }
  task.signal.throwIfAborted();
}

/** Pages that follow the first two. */
class PageFile implements PageSink {
  next = ROOT + 1;
  readonly #bytes = new Uint8Array(PAGES * PAGE);
  #pages = 0;
  #written = ROOT * PAGE;

  constructor(private readonly file: number) {}

  write(page: Uint8Array): number {
    const number = this.next;
    this.#put(page);
    this.next = nextPageNumber(number + 1);
    if (this.next !== number + 1) this.#put(new Uint8Array(PAGE));
    return number;
  }

  /** Writes the first two pages: they make it a database. */
  end(first: Uint8Array, root: Uint8Array): void {
    this.#flush();
    const pages = new Uint8Array(ROOT * PAGE);
    pages.set(first);
    pages.set(root, PAGE);
    const header = new DataView(pages.buffer);
    // The change counter, the size in pages, and the change counter for which that size is valid.
    header.setUint32(24, CHANGES);
    header.setUint32(28, this.#written / PAGE);
    header.setUint32(92, CHANGES);
    writeAll(this.file, pages, 0);
  }

  #put(page: Uint8Array): void {
    this.#bytes.set(page, this.#pages++ * PAGE);
    if (this.#pages === PAGES) this.#flush();
  }

  #flush(): void {
    const size = this.#pages * PAGE;
    writeAll(this.file, this.#bytes.subarray(0, size), this.#written);
    this.#written += size;
    this.#pages = 0;
  }
}

function writeAll(file: number, bytes: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length;) {
    at += writeSync(file, bytes, at, bytes.length - at, position + at);
  }
}

async function refuseOtherCount(
  { table: { label } }: Target,
  rows: number,
  { staged }: LoadTask,
): Promise<void> {
  const { count } = await staged.committed();
  if (rows === count) return;
  throw new VerificationError(
    `Cannot load into ${label}: it holds ${rows} rows, staged are ${count}`,
  );
}

async function createReceipt(
  database: DatabaseSync,
  target: Target,
  task: LoadTask,
): Promise<LoadReceipt> {
  const rows = Number(
    database.prepare(`SELECT count(*) AS n FROM ${target.table.name}`).get()!["n"],
  );
  await refuseOtherCount(target, rows, task);
  const evidence = `${task.mode} wrote a new table, count(*) = ${rows}`;
  return { rows, evidence };
}
