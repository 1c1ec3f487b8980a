/**
 * Keeps the versions of records, in the transaction of a load: a record that has changed gets a new version, and
 * the version that was current ends where the new one begins.
 */
import type { History, LoadTask, PlannedLoad } from "../../../core/contracts/loader.ts";
import { LoaderError, VerificationError } from "../../../core/errors.ts";
import { refuseLosses } from "../../../core/values/conversion.ts";
import type { Field } from "../../../models/field.ts";
import { findConversions, listOwnFields, type Matching, type Target } from "../column_match.ts";
import type { Dialect, RelationalSystem, SqlSession, Table } from "../contract.ts";
import type { StagedKeys } from "./deletes.ts";
import { countRows } from "./statements.ts";
import {
  type VersionedTable,
  VersionStatements,
  type VersionSyntax,
  type VersionTables,
} from "./version_statements.ts";

type VersionedTask = LoadTask & { readonly history: History };

/** Whether a load keeps versions. */
export function keepsHistory<T extends PlannedLoad>(
  task: T,
): task is T & { readonly history: History } {
  return task.history !== undefined;
}

/** A load whose rows are versions, in a table that was matched. */
export class VersionedLoad implements StagedKeys {
  readonly statements: VersionStatements;
  readonly table: string;
  readonly now: string;
  #hasSuperseded = false;

  private constructor(
    dialect: Dialect,
    syntax: VersionSyntax,
    private readonly session: SqlSession,
    private readonly target: Target<Table, unknown>,
    private readonly task: VersionedTask,
    tables: VersionTables,
  ) {
    this.now = loadTime(dialect, task);
    const versioned = describeVersioned(target.table, target.columns, task);
    this.statements = new VersionStatements(syntax, dialect, versioned, tables, this.now);
    this.table = tables.versions;
  }

  /**
   * Prepares a load; its tables need not exist yet.
   *
   * @throws {LoaderError} for a table that cannot have several versions of a record
   */
  static async prepare<S extends SqlSession, T extends Table, E>(
    system: RelationalSystem<S, T, E>,
    syntax: VersionSyntax,
    session: S,
    target: Target<T, E>,
    task: VersionedTask,
    tables: VersionTables,
  ): Promise<VersionedLoad> {
    const loaded = target.columns.map(({ column }) => column.name);
    await refuseUniqueKeys(system, session, target.table, loaded, task.history);
    refuseTimeColumns(system, target, task);
    return new VersionedLoad(system.dialect, syntax, session, target, task, tables);
  }

  get keys(): readonly string[] {
    return this.statements.keys;
  }

  /**
   * Writes the staged rows as versions.
   *
   * @param onFilled called when the table of versions has its rows
   * @returns what was done, for the receipt
   * @throws {LoaderError} for rows that have no place among the versions
   * @throws {VerificationError} if the table lacks what was written
   */
  async write(onFilled: () => Promise<void> = () => Promise.resolve()): Promise<string> {
    const { fillVersions, findEndings, findNew, changes, counted } = this.statements;
    await this.session.query(fillVersions);
    await onFilled();
    for (const statement of [...findEndings, findNew]) await this.session.query(statement);
    await this.#refuseTimes();
    this.#hasSuperseded = await this.#count(counted.superseded) > 0;
    const [added, ending] = [await this.#count(counted.added), await this.#count(counted.ending)];
    for (const statement of changes) await this.session.query(statement);
    await this.#prove(ending);
    return `${added} versions added, ${ending} ended`;
  }

  /** The query that reads the versions of the staged rows back. */
  selectLoaded(): string {
    return this.statements.selectLoaded(this.#hasSuperseded);
  }

  #count(from: string): Promise<number> {
    return countRows(this.session, from);
  }

  async #refuseTimes(): Promise<void> {
    const { label } = this.target.table;
    const { history: { fromField, validFrom } } = this.task;
    const { timeless, later } = this.statements.counted;
    const without = await this.#count(timeless);
    if (without > 0) {
      throw new LoaderError(
        `Cannot keep history in ${label}: "${fromField}" is NULL in ${without} rows, expected the time from which each is valid`,
      );
    }
    const wrong = fromField === undefined ? await this.#count(later) : 0;
    if (wrong === 0) return;
    throw new LoaderError(
      `Cannot keep history in ${label}: ${wrong} versions have times in "${validFrom}" that are not before this load; check the clocks of this machine and of those that ran earlier loads`,
    );
  }

  async #prove(ending: number): Promise<void> {
    const { label } = this.target.table;
    const { missing, ended, ambiguous } = this.statements.counted;
    const lacking = await this.#count(missing);
    const open = ending - await this.#count(ended);
    if (lacking + open > 0) {
      throw new VerificationError(
        `Cannot keep history in ${label}: ${lacking} versions are not in the table and ${open} did not end; a trigger may drop or change rows`,
      );
    }
    const several = await this.#count(ambiguous);
    if (several === 0) return;
    throw new VerificationError(
      `Cannot keep history in ${label}: ${several} keys have more than one current version; the table had them before, or a collation treats two keys as equal`,
    );
  }
}

/**
 * Refuses a table whose columns would change the times of versions.
 *
 * @throws {LossyConversionError} that names the columns
 */
function refuseTimeColumns<T extends Table, E>(
  system: Matching<T, E>,
  { table }: Target<T, E>,
  task: VersionedTask,
): void {
  refuseLosses(table.label, findConversions(system, table, listOwnFields(task)), "stop", "strict");
}

/**
 * Returns the statements that change the target, for a plan: placeholders stand for the time and tables of a load.
 *
 * @param name quoted
 * @param table unset where the load creates it
 * @throws {LoaderError} for a table that cannot have several versions of a record
 */
export async function planVersions<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  syntax: VersionSyntax,
  session: S,
  name: string,
  fields: readonly Field[],
  load: PlannedLoad & { readonly history: History },
  table?: T,
): Promise<string[]> {
  const { dialect } = system;
  const loaded = fields.map((field) => field.name);
  if (table !== undefined) {
    await refuseUniqueKeys(system, session, table, loaded, load.history);
  }
  const columns = fields.map((field) => ({ field, column: { name: field.name } }));
  const names = ["stage", "order", "versions", "endings"].map((one) => dialect.quote(`dxt_${one}`));
  const [stage, order, versions, endings] = names as [string, string, string, string];
  return new VersionStatements(
    syntax,
    dialect,
    describeVersioned({ name }, columns, load),
    { stage, order, versions, endings },
    "CURRENT_TIMESTAMP",
  ).changes;
}

/**
 * Refuses a table that cannot have several versions of a record.
 *
 * @throws {LoaderError} that names the unique index
 */
async function refuseUniqueKeys<S extends SqlSession, T extends Table, E>(
  { catalog, dialect }: RelationalSystem<S, T, E>,
  session: S,
  table: T,
  loaded: readonly string[],
  { validFrom }: History,
): Promise<void> {
  const names = new Set(loaded.map((name) => dialect.foldName(name)));
  const unique = (await catalog.uniqueKeys(session, table)).find((columns) =>
    columns.every((column) => names.has(dialect.foldName(column)))
  );
  if (unique === undefined) return;
  const list = unique.map((column) => `"${column}"`).join(", ");
  throw new LoaderError(
    `Cannot keep history in ${table.label}: its unique index of ${list} allows one version of a record; expected an index with "${validFrom}", or none`,
  );
}

function describeVersioned(
  { name }: Pick<Table, "name">,
  columns: VersionedTable["columns"],
  { upsertKeys, history }: Pick<VersionedTask, "upsertKeys" | "history">,
): VersionedTable {
  return { name, columns, upsertKeys, history };
}

/** SQL of the time of this load, in the type of the columns with the times of versions. */
function loadTime({ momentLiteral }: Dialect, { staged, history }: VersionedTask): string {
  const field = staged.fields.find(({ name }) => name === history.fromField);
  const dtype = field?.dtype === "timestamp" ? "timestamp" : "timestamp_tz";
  return momentLiteral(Temporal.Now.instant().round("microsecond"), dtype);
}
