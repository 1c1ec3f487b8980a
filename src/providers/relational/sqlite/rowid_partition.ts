/**
 * Parts of a table for several connections. With a rollback journal no program can commit while a reader has
 * its lock: all connections that begin while one reads see the same rows. With a write-ahead log they would
 * not, and snapshots cannot be shared, so that a table is one part.
 * https://www.sqlite.org/lockingv3.html
 */
import type { DatabaseSync } from "node:sqlite";
import { statSync } from "node:fs";
import {
  type ExtractRequest,
  type Partition,
  type PartitionSettings,
  undivided,
} from "../../../core/contracts/extractor.ts";
import { countParts, isSettled } from "../../../core/contracts/repeatable_parts.ts";
import {
  beginReading,
  type DatabaseFile,
  openToRead,
  retryWhileBusy,
} from "./sql/database_file.ts";
import { countRows, findRowNumber, isWholeTable } from "./sql/rowid_ranges.ts";
import { fieldRanges } from "../partition.ts";
import { fromClause, type Range } from "../select.ts";
import type { SqliteConnector } from "./connector.ts";
import { dialect } from "./sql/dialect.ts";
import { SqliteSession } from "./sql/session.ts";

/** A smaller part is read before its thread has started. */
const PART_BYTES = 16 * 1024 * 1024;
const PART_ROWS = 50_000;

/** By a field's ranges where one is named, else by row numbers of a large table, as many in each part. */
export async function makePartition(
  { file, warn }: SqliteConnector,
  task: ExtractRequest,
  { most, field }: PartitionSettings,
): Promise<Partition> {
  if (most < 2 || (field === undefined && !isWholeTable(task))) return undivided();
  const database = openToRead(file);
  try {
    await retryWhileBusy(file, task.signal, () => beginReading(database));
    const parts = hasLog(database)
      ? refuseField(field, warn)
      : field === undefined
      ? cutByRows(database, file, task, most)
      : await fieldRanges(new SqliteSession(database), task, field, most, dialect);
    if (parts.length < 2) {
      database.close();
      return undivided();
    }
    return {
      parts: parts.map((part) => ({ ...part })),
      // A query, a view or an expression may depend on more than the file, such as the time.
      moment: field === undefined && isPlain(task) ? identifyMoment(file) : undefined,
      [Symbol.asyncDispose]() {
        database.close();
        return Promise.resolve();
      },
    };
  } catch (error) {
    database.close();
    throw error;
  }
}

function isPlain({ projections }: ExtractRequest): boolean {
  return projections.every(({ expression }) => expression === undefined);
}

/**
 * Each commit writes the file, and so changes its times, of which no program can set `ctime`. Nobody commits now,
 * since this connection reads. Undefined if the last commit has just been.
 */
function identifyMoment({ path }: DatabaseFile): string | undefined {
  const { dev, ino, size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  if (!isSettled(Number(ctimeNs / 1_000_000n))) return undefined;
  return [path, dev, ino, size, mtimeNs, ctimeNs].join(" ");
}

function refuseField(field: string | undefined, warn: SqliteConnector["warn"]): Range[] {
  if (field !== undefined) {
    warn(
      `Reading in one part, not by "${field}": connections to a database with a write-ahead log share no moment`,
    );
  }
  return [];
}

function cutByRows(
  database: DatabaseSync,
  file: DatabaseFile,
  task: ExtractRequest,
  most: number,
): Range[] {
  const rowNumber = findRowNumber(database, task);
  if (rowNumber === undefined) return [];
  const byBytes = countParts(statSync(file.path).size, PART_BYTES, { most });
  if (byBytes < 2) return [];
  const rows = countRows(database, task, rowNumber);
  const count = Math.min(byBytes, Math.floor(rows / PART_ROWS));
  const nth = database.prepare(
    `SELECT ${rowNumber} AS n FROM ${
      fromClause(task.source, dialect)
    } ORDER BY ${rowNumber} LIMIT 1 OFFSET ?`,
  );
  nth.setReadBigInts(true);
  const bounds = Array.from({ length: Math.max(count - 1, 0) }, (_, i) => {
    return String(nth.get(Math.floor((rows * (i + 1)) / count))!["n"]);
  });
  return [null, ...bounds].map((from, i) => ({ from, to: bounds[i] ?? null }));
}

function hasLog(database: DatabaseSync): boolean {
  return database.prepare("PRAGMA journal_mode").get()!["journal_mode"] === "wal";
}
