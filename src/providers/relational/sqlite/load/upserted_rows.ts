/** The rows of an upsert: a temporary table keeps their keys, and finds them again. */
import type { DatabaseSync } from "node:sqlite";
import type { LoadTask } from "../../../../core/contracts/loader.ts";
import type { KeyLoad, StagedKeys } from "../../load/deletes.ts";
import { sameKey, upsertColumns } from "../../load/upsert.ts";
import { dialect, quote } from "../sql/dialect.ts";
import { queryRows } from "../sql/session.ts";
import type { Target } from "../system.ts";
import { boundReader } from "../types/bind_value.ts";
import { databaseEncoding } from "../types/text_encoding.ts";

const KEYS = "temp.dxt_upserted_keys";

/** The rows of an upsert in its table, until they are disposed of. */
export class UpsertedRows implements StagedKeys, Disposable {
  readonly table = KEYS;
  /** The query that finds them. */
  readonly sql: string;
  readonly #from: string;
  /** Quoted. */
  readonly keys: readonly string[];

  private constructor(private readonly database: DatabaseSync, target: Target, task: LoadTask) {
    const { all, keys } = upsertColumns(target, task.upsertKeys, dialect);
    this.keys = keys;
    this.#from = `${KEYS} AS s CROSS JOIN ${target.table.name} AS t ON ${sameKey(keys)}`;
    // A row keeps its key in the spelling that it has, where the column's collation knows several.
    const list = all.map((column) => `${keys.includes(column) ? "s" : "t"}.${column}`);
    this.sql = `SELECT ${list.join(", ")} FROM ${this.#from}`;
  }

  /**
   * Reads the keys from the stage.
   *
   * @param ofSource all keys of the source, added to those of the stage
   */
  static async find(
    database: DatabaseSync,
    target: Target,
    task: LoadTask,
    ofSource?: KeyLoad<Target>,
  ): Promise<UpsertedRows> {
    const columns = target.columns.filter(({ field }) => task.upsertKeys.includes(field.name));
    const names = columns.map(({ column }) => quote(column.name)).join(", ");
    // With the affinities of the columns, so that a key is stored as in the table.
    database.exec(`CREATE TABLE ${KEYS} AS SELECT ${names} FROM ${target.table.name} LIMIT 0`);
    const found = new UpsertedRows(database, target, task);
    const places = columns.map(() => "?").join(", ");
    const insert = database.prepare(`INSERT INTO ${KEYS} (${names}) VALUES (${places})`);
    const wide = databaseEncoding(database) !== "utf-8";
    const add = async ({ staged }: Pick<LoadTask, "staged">, columns: Target["columns"]) => {
      for await (const { data: { children }, numRows } of staged.scanBatches()) {
        const readers = columns.map(({ field, column, at }) =>
          boundReader(field, children[at]!, { declared: column.type, wide })
        );
        for (let row = 0; row < numRows; row++) insert.run(...readers.map((read) => read(row)));
      }
    };
    await add(task, columns);
    // A row that the source lost after it was read is loaded now: the next load deletes it.
    if (ofSource !== undefined) await add(ofSource.task, ofSource.target.columns);
    database.exec(`CREATE INDEX temp.dxt_upserted_index ON dxt_upserted_keys (${names})`);
    return found;
  }

  /** Counts the rows, each once; fewer than staged where several staged ones have the same key. */
  count(): number {
    const keys = this.keys.map((key) => `t.${key}`).join(", ");
    const [row] = queryRows(
      this.database,
      `SELECT count(*) FROM (SELECT DISTINCT ${keys} FROM ${this.#from})`,
    );
    return Number(row![0]);
  }

  [Symbol.dispose](): void {
    if (this.database.isOpen) this.database.exec(`DROP TABLE IF EXISTS ${KEYS}`);
  }
}
