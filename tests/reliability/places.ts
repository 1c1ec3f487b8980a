/** One empty place of each system, with its provider's own connector, loader and extractor in this process. */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Provider } from "../../src/core/contracts/provider.ts";
import local from "../../src/providers/filestore/local/mod.ts";
import mysql from "../../src/providers/relational/mysql/mod.ts";
import postgres from "../../src/providers/relational/postgres/mod.ts";
import sqlite from "../../src/providers/relational/sqlite/mod.ts";
import { Trial } from "../conformance/provider/trial.ts";
import type { Scope } from "./outcome.ts";

export const FILE_PLACES = ["parquet", "csv", "jsonl"] as const;
export const SQL_PLACES = ["postgres", "mysql", "sqlite"] as const;
export const PLACES = [...SQL_PLACES, ...FILE_PLACES] as const;
export type FilePlace = (typeof FILE_PLACES)[number];
export type SQLPlace = (typeof SQL_PLACES)[number];
export type PlaceName = (typeof PLACES)[number];

export interface Place extends AsyncDisposable {
  readonly name: PlaceName;
  /** Where files, or the file of the database, are. */
  readonly folder: string;
  readonly trial: Trial;
}

export const isSQL = (name: PlaceName): name is SQLPlace =>
  SQL_PLACES.some((other) => other === name);

/** Opens a place; undefined where the machine lacks its server. Servers have one database for all places. */
export async function openPlace(
  name: PlaceName,
  { folder, systems }: Pick<Scope, "folder" | "systems">,
): Promise<Place | undefined> {
  const own = await Deno.makeTempDir({ dir: folder });
  const open = (
    provider: unknown,
    config: unknown,
    sql?: (text: string) => Promise<unknown>,
  ): Place => {
    const trial = new Trial({
      provider: provider as Provider,
      config,
      sql,
      target: (target) =>
        isSQL(name)
          ? { type: "relation", name: target }
          : { type: "file", path: `${target}.${name}` },
      widens: () => ({}),
      holds: () => true,
      timestampType: "TIMESTAMP",
    });
    return {
      name,
      folder: own,
      trial,
      async [Symbol.asyncDispose]() {
        await trial[Symbol.asyncDispose]();
        await Deno.remove(own, { recursive: true });
      },
    };
  };
  if (name === "sqlite") {
    const path = join(own, "place.db");
    return open(sqlite, { path }, (text) =>
      Promise.try(() => {
        using database = new DatabaseSync(path);
        database.exec(text);
      }));
  }
  if (!isSQL(name)) return open(local, { path: own });
  const database = systems[name];
  if (database === undefined) return undefined;
  const provider = name === "postgres" ? postgres : mysql;
  const keys = provider.urls!.parse(database.url, "/") as object;
  return open(provider, { ...keys, sslmode: "disable" }, (text) => database.rows(text));
}
