/** Changes what a load wrote before its proof compares it, as a fault of the target would. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type DXTRecord, formatValue } from "../../src/core/values/values.ts";
import { loadFormat } from "../../src/formats/mod.ts";
import type { Field } from "../../src/models/field.ts";
import { PostgresConnector } from "../../src/providers/relational/postgres/connector.ts";
import { Session } from "../../src/providers/relational/mysql/wire/session.ts";
import { inputOf, readAll, writeAll } from "../formats/json/support.ts";
import { type FilePlace, isSQL, type Place, type SQLPlace } from "./places.ts";

/** What happens to one row, which is identified by its field "id". */
export type Change =
  | { readonly kind: "set"; readonly id: bigint; readonly values: DXTRecord }
  | { readonly kind: "delete" | "double"; readonly id: bigint };

/**
 * Calls `work` with a function that makes changes to the rows of the load that is under way: in a database by the
 * load's own transaction, in a file by writing it anew.
 */
export async function withTampering<T>(
  place: Place,
  table: string,
  fields: readonly Field[],
  work: (tamper: (changes: readonly Change[]) => Promise<void>) => Promise<T>,
): Promise<T> {
  const { name, folder } = place;
  if (!isSQL(name)) {
    return await work((changes) => rewriteFile(folder, table, name, fields, changes));
  }
  let session: LoadSession | undefined;
  const restore = CAPTURES[name]((found) => session = found);
  try {
    return await work(async (changes) => {
      assert.ok(session !== undefined, "no load is under way");
      for (const change of changes) await session.query(changeStatement(table, fields, change));
    });
  } finally {
    restore();
  }
}

interface LoadSession {
  query(sql: string): unknown;
}

/** Finds the session of a load: replaces the functions that open one, until the returned function is called. */
const CAPTURES: Readonly<
  Record<SQLPlace, (onSession: (session: LoadSession) => void) => () => void>
> = {
  postgres(onSession) {
    const { begin } = PostgresConnector.prototype;
    PostgresConnector.prototype.begin = async function (mode, ...rest) {
      const session = await begin.call(this, mode, ...rest);
      if (mode === "write") onSession(session);
      return session;
    };
    return () => PostgresConnector.prototype.begin = begin;
  },
  mysql(onSession) {
    const { open } = Session;
    Session.open = async (config, signal, options) => {
      const session = await open.call(Session, config, signal, options);
      if (options?.localFiles === true) onSession(session);
      return session;
    };
    return () => Session.open = open;
  },
  sqlite(onSession) {
    const { exec } = DatabaseSync.prototype;
    DatabaseSync.prototype.exec = function (sql) {
      if (sql === "BEGIN IMMEDIATE") onSession({ query: (text) => this.exec(text) });
      return exec.call(this, sql);
    };
    return () => DatabaseSync.prototype.exec = exec;
  },
};

function changeStatement(table: string, fields: readonly Field[], change: Change): string {
  const where = `WHERE id = ${change.id}`;
  switch (change.kind) {
    case "delete":
      return `DELETE FROM ${table} ${where}`;
    case "double":
      return `INSERT INTO ${table} SELECT * FROM ${table} ${where}`;
    case "set": {
      const values = fields.flatMap(({ name, dtype }) => {
        const value = change.values[name];
        if (value === undefined) return [];
        const text = value === null ? "NULL" : `'${formatValue(value, dtype)}'`;
        return [`${name} = ${text}`];
      });
      return `UPDATE ${table} SET ${values.join(", ")} ${where}`;
    }
  }
}

/** Rewrites the file of a load before it gets its name. */
async function rewriteFile(
  folder: string,
  table: string,
  place: FilePlace,
  fields: readonly Field[],
  changes: readonly Change[],
): Promise<void> {
  const path = join(folder, `.${table}.${place}.dxt-new`);
  const format = await loadFormat(place);
  const before = await readAll(format, inputOf(await Deno.readFile(path)), fields);
  const records = changes.reduce(changeRecords, before);
  await Deno.writeFile(path, await writeAll(format, fields, records));
}

function changeRecords(records: readonly DXTRecord[], change: Change): DXTRecord[] {
  return records.flatMap((record) => {
    if (record["id"] !== change.id) return [record];
    if (change.kind === "set") return [{ ...record, ...change.values }];
    return change.kind === "delete" ? [] : [record, record];
  });
}
