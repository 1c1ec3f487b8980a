/** Opens database files, waits for their locks without blocking the thread, and classifies errors. */
import { statSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { ConnectContext } from "../../../../core/contracts/provider.ts";
import { ConnectionError, ConnectorError, messageOf } from "../../../../core/errors.ts";
import { REPORTED_WAIT_MS } from "../../../../core/files/run_lock.ts";
import { mayRead } from "../../../../core/permission_errors.ts";

/** What a connector knows of its database. */
export interface DatabaseFile {
  readonly path: string;
  readonly readonly: boolean;
  /** Milliseconds to wait for a lock of another connection. */
  readonly busyTimeout: number;
  /** Reports a wait that takes seconds. */
  readonly onWait?: (message: string) => void;
  readonly trace?: ConnectContext["trace"];
}

export function exists({ path }: Pick<DatabaseFile, "path">): boolean {
  try {
    return statSync(path).isFile();
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw error;
  }
}

/** @throws {ConnectionError} when there is no file: reading makes none */
export function openToRead(file: DatabaseFile): DatabaseSync {
  if (!exists(file)) throw cannotOpen(file, missing(file));
  try {
    return open(file, true);
  } catch (error) {
    // A killed program has left its journal. Only a connection that can write can roll it back.
    if (file.readonly || !exists({ path: `${file.path}-journal` })) throw error;
    if (!mayWrite(file)) throw cannotOpen(file, HALF_WRITTEN, error);
    open(file, false).close();
    return open(file, true);
  }
}

/**
 * Begins to write and takes it back: so the file, its folder and what SQLite keeps there are known
 * to take a write.
 *
 * @throws {ConnectionError} or SQLite's error, when they do not
 */
export function tryWriting(file: DatabaseFile): void {
  using database = open(file, false);
  database.exec("BEGIN IMMEDIATE");
  try {
    const { user_version: same } = database.prepare("PRAGMA user_version").get()!;
    database.exec(`PRAGMA user_version = ${same}`);
  } finally {
    // SQLite itself rolls back after some errors, such as a full disk.
    if (database.isTransaction) database.exec("ROLLBACK");
  }
}

/** Adds the path to SQLite's error for a full disk, which names no file; returns any other error unchanged. */
export function explainFullDisk({ path }: Pick<DatabaseFile, "path">, error: unknown): unknown {
  if (messageOf(error) !== "database or disk is full") return error;
  return new ConnectorError(
    `Cannot write to database "${path}": the disk is full, the database is unchanged`,
    { cause: error },
  );
}

const HALF_WRITTEN =
  "a program was killed while it wrote it, and dxt may only read it; open it once with a program that may write it";

function mayWrite({ path }: DatabaseFile): boolean {
  return Deno.permissions.querySync({ name: "write", path }).state === "granted";
}

/** Makes the file, and the folders on its path, when there are none. */
export function openToWrite(file: DatabaseFile): DatabaseSync {
  if (file.readonly) {
    throw new ConnectionError(`Cannot write to database "${file.path}": it is readonly`);
  }
  try {
    if (!hasFolder(file)) Deno.mkdirSync(dirname(file.path), { recursive: true });
  } catch (error) {
    throw cannotOpen(file, `its folder cannot be made: ${messageOf(error)}`, error);
  }
  return open(file, false);
}

function open(file: DatabaseFile, readOnly: boolean): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file.path, { readOnly });
    if (file.trace !== undefined) traceStatements(database, file.trace);
    // Locks are waited for by `retryWhileBusy`, which leaves the thread to others. The constructor's own
    // timeout is not obeyed when readOnly is set: it waits 5 seconds.
    database.exec("PRAGMA busy_timeout = 0");
    // The header is read with the first statement; a lock is no reason to refuse here.
    database.prepare("SELECT count(*) FROM sqlite_schema").get();
    return database;
  } catch (error) {
    if (database !== undefined && isBusy(error)) return database;
    database?.close();
    const lost = messageOf(error).startsWith("unable to open") && !hasFolder(file);
    throw cannotOpen(file, lost ? missing(file) : messageOf(error), error);
  }
}

/** Reports the statements that this connection runs or prepares from now on. */
function traceStatements(database: DatabaseSync, trace: (statement: string) => void): void {
  const { exec, prepare } = database;
  database.exec = (sql) => {
    trace(sql);
    exec.call(database, sql);
  };
  database.prepare = (sql, ...options) => {
    trace(sql);
    return prepare.call(database, sql, ...options);
  };
}

function missing(file: DatabaseFile): string {
  return hasFolder(file)
    ? "no such file, a load would make it"
    : `there is no folder "${dirname(file.path)}"`;
}

/** Whether the file's folder exists; assumed if the run may not read it. */
function hasFolder({ path }: DatabaseFile): boolean {
  const folder = dirname(path);
  if (!mayRead(folder)) return true;
  try {
    return statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch {
    return true;
  }
}

function cannotOpen({ path }: DatabaseFile, detail: string, cause?: unknown): ConnectionError {
  return new ConnectionError(`Cannot open database "${path}": ${detail}`, { cause });
}

/** The transaction begins with the first read. */
export function beginReading(database: DatabaseSync): void {
  if (!database.isTransaction) database.exec("BEGIN");
  database.prepare("SELECT count(*) FROM sqlite_schema").get();
}

/** Whether another connection holds a lock. */
export function isBusy(error: unknown): boolean {
  return error instanceof Error && /^database (table )?is locked/.test(error.message);
}

const FIRST_WAIT = 2;
const LONGEST_WAIT = 50;

/**
 * Does what needs a lock, again and again until it is free.
 *
 * @throws {ConnectionError} when it is not free within `busyTimeout` milliseconds
 */
export async function retryWhileBusy<T>(
  file: DatabaseFile,
  signal: AbortSignal | undefined,
  work: () => T | Promise<T>,
  refuse = isLocked,
): Promise<T> {
  const start = performance.now();
  let isReported = false;
  for (let wait = FIRST_WAIT;; wait = Math.min(wait * 2, LONGEST_WAIT)) {
    signal?.throwIfAborted();
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error)) throw error;
      const waited = performance.now() - start;
      if (waited + wait > file.busyTimeout) throw refuse(file, error);
      if (!isReported && waited >= REPORTED_WAIT_MS) {
        file.onWait?.(describeWait(file));
        isReported = true;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

/** Describes a wait without the holder of the lock, whom SQLite does not report. */
function describeWait({ path, busyTimeout }: DatabaseFile): string {
  const limit = busyTimeout === Infinity
    ? ""
    : `; gives up after ${Math.round(busyTimeout / 1000)} s`;
  return `Waiting for database "${path}": another run or program holds it locked${limit}`;
}

function isLocked({ path, busyTimeout }: DatabaseFile, cause: unknown): Error {
  return new ConnectionError(
    `Cannot use database "${path}": another connection holds it locked, waited ${busyTimeout} ms`,
    { cause },
  );
}

const BREATH = 50;

/**
 * Lets timers and signals in now and then: SQLite works on this thread, and an abort would not be
 * seen until the end.
 */
export function eventLoopPause(signal: AbortSignal): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last > BREATH) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      last = performance.now();
    }
    signal.throwIfAborted();
  };
}
