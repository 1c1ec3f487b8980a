/** Plans a load in a read-only transaction: the statements that it would run, and its problems. */
import type { FieldConversion } from "../../../core/values/conversion.ts";
import { DXTError, LoaderError } from "../../../core/errors.ts";
import { deletesRecords, type LoadPlan, type PlannedLoad } from "../../../core/contracts/loader.ts";
import type { Field } from "../../../models/field.ts";
import {
  columnFinder,
  findConversions,
  matchColumns,
  type Matching,
  warnOfOmissions,
} from "../column_match.ts";
import type { WriteRights } from "../access.ts";
import { isKeyed } from "../../../models/rules.ts";
import type { LoadMode } from "../../../models/stream.ts";
import type { RelationalSystem, RowCount, SqlSession, Table, TableName } from "../contract.ts";
import { quoteTable, tableName } from "../names.ts";
import { longestText } from "../type_name.ts";
import { countRows, deleteRows, matchingRows } from "./statements.ts";
import {
  findMissingFields,
  findNarrowFields,
  findShortColumns,
  type NarrowField,
  planChanges,
} from "./table_changes.ts";
import { checkLoadTask, createStatements, describeNewTable, keyOfNewTable } from "./target.ts";

/** How a load replaces the rows of a table. */
export interface Replacement {
  /** The new table that takes the place of the old one; unset where the table stays. */
  readonly beside?: {
    /** Quoted. The load changes its columns, not those of the old table. */
    readonly name: string;
    /** Creates it with the old table's columns, before they are changed. */
    readonly creation: string;
  };
  /** Statements that run before or after the new rows are written, word for word. */
  readonly statements: readonly string[];
  /** Describes what is lost of a table with this number of rows. */
  loss(rows: string): string;
}

/** The steps of a load that differ between systems. A plan asks for them and changes nothing. */
export interface LoadSteps<S extends SqlSession, T extends Table> {
  /** @throws {DXTError} for a table that may store other rows than a load writes */
  refuseTable?(session: S, table: T): Promise<void>;
  /** Statements that an append to a table that exists runs besides. */
  appendStatements?(session: S, table: T): Promise<readonly string[]>;
  /**
   * Statements that an upsert runs before its rows are written, or by which versions change the table.
   *
   * @param name quoted
   * @param table unset where the load creates it
   */
  upsertStatements(
    session: S,
    name: string,
    fields: readonly Field[],
    table?: T,
  ): Promise<readonly string[]>;
  /** @throws {DXTError} when the table cannot be replaced in this way */
  replacement(session: S, table: T): Promise<Replacement>;
}

/** The connector as a loader uses it. */
export interface LoadingConnector<S extends SqlSession, T extends Table, E> {
  readonly system: RelationalSystem<S, T, E>;
  warn(message: string): void;
  /** Runs `work` in a read-only transaction; a database that does not exist yet is empty. */
  readingTables<R>(work: (session: S) => Promise<R>): Promise<R>;
  /** Whether a table exists, and what keeps the login from a load of this mode into it. */
  findWriteRights(session: S, name: TableName, mode: LoadMode): Promise<WriteRights>;
  /** Whether the system itself refused a statement; the loader adds the target's name to its error. */
  isSystemError(error: unknown): boolean;
}

/** Plans a load, with the warnings that the load would give. */
export async function planLoad<S extends SqlSession, T extends Table, E>(
  connector: LoadingConnector<S, T, E>,
  session: S,
  load: PlannedLoad,
  steps: LoadSteps<S, T>,
): Promise<LoadPlan> {
  const { system } = connector;
  checkLoadTask(load, system.dialect);
  const name = tableName(load.target);
  const rights = await connector.findWriteRights(session, name, load.mode);
  // A hard delete needs the rights of a replacement, too.
  const more = deletesRecords(load)
    ? await connector.findWriteRights(session, name, "replace")
    : rights;
  const table = await system.catalog.find(session, name);
  const warn = (message: string) => connector.warn(message);
  const plan = table === undefined
    ? await planNew(system, session, load, steps)
    : await planExisting(system, session, load, steps, table, warn);
  return {
    ...plan,
    problems: [...new Set([...rights.problems, ...more.problems, ...plan.problems])],
  };
}

async function planNew<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  load: PlannedLoad,
  steps: LoadSteps<S, T>,
): Promise<LoadPlan> {
  const { fields } = load.staged;
  const made = await describeNewTable(system, session, load);
  const columns = fields.map((field, i) => {
    const type = made.types[i]!;
    return { field, type, conversion: system.types.conversionInNew(field, type) };
  });
  const statements = await createStatements(system, session, load, made);
  const problems: string[] = [];
  if (isKeyed(load.mode)) {
    const name = quoteTable(made.name, system.dialect);
    await collect(
      problems,
      async () => statements.push(...await steps.upsertStatements(session, name, fields)),
    );
  }
  return { exists: false, columns, statements, destructive: [], problems };
}

async function planExisting<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  load: PlannedLoad,
  steps: LoadSteps<S, T>,
  table: T,
  warn: (message: string) => void,
): Promise<LoadPlan> {
  const problems: string[] = [];
  let { fields } = load.staged;
  const statements: string[] = [];
  let replacement: Replacement | undefined;
  if (load.mode === "replace") {
    await collect(problems, () => refuseCascades(system, session, table));
    await collect(problems, async () => replacement = await steps.replacement(session, table));
  }
  const { deletes } = load;
  if (deletesRecords(load)) {
    await collect(problems, () => refuseCascades(system, session, table, "delete rows of"));
  }
  const { beside } = replacement ?? {};
  if (beside !== undefined) statements.push(beside.creation);
  const altered = beside === undefined ? table : { ...table, name: beside.name };
  // The refusal of a change names its columns already.
  const narrow = await findNarrowFields(system, session, table, load);
  const changed = new Set([
    ...findMissingFields(system, table, fields),
    ...narrow.map(({ field: { name } }) => name),
  ]);
  await collect(problems, async () => {
    const isNew = beside !== undefined;
    const changes = await planChanges(system, session, altered, load, undefined, isNew);
    statements.push(...changes);
    const changing = changes.filter((sql) => sql !== deleteRows(altered.name));
    for (const sql of changing) warn(`The load changes table ${table.label}: ${sql}`);
  });
  if (load.schema !== "evolve") {
    const short = await findShortColumns(system, session, table, fields);
    for (const message of describeShort(system, table, short)) warn(message);
  }
  // The missing rights already say that a view is not a table.
  await collect(problems, () => {
    if (table.readOnlyKind !== undefined) return;
    // The plan of each column reports its losses, so that no loss throws here.
    const target = matchColumns(system, table, { ...load, lossy: "accept" }, changed);
    warnOfOmissions(warn, target);
    const { computed } = target;
    fields = fields.filter(({ name }) => !computed.includes(name));
  });
  await collect(problems, () => steps.refuseTable?.(session, table));
  const count = await findCount(system, session, load, table);
  const destructive: string[] = [];
  if (load.mode === "append") {
    statements.push(...await steps.appendStatements?.(session, table) ?? []);
  }
  if (isKeyed(load.mode)) {
    await collect(
      problems,
      async () =>
        statements.push(...await steps.upsertStatements(session, table.name, fields, table)),
    );
    if (deletesRecords(load)) {
      const most = `at most ${deletes!.maxPercent} % of ${describeRows(count)}`;
      destructive.push(
        `rows of ${table.label} whose keys the source no longer has are deleted, ${most}`,
      );
    }
  }
  if (replacement !== undefined) {
    statements.push(...replacement.statements.filter((sql) => !statements.includes(sql)));
    if (count?.rows !== 0) destructive.push(replacement.loss(describeRows(count)));
  }
  return {
    exists: true,
    changes: changed.size > 0,
    ...(count === undefined ? {} : { rows: count.rows }),
    columns: await planColumns(system, session, load, table, changed, narrow),
    statements,
    destructive,
    problems,
  };
}

/** Adds the message of an error to the problems of a plan. */
async function collect(problems: string[], work: () => unknown): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof DXTError)) throw error;
    problems.push(error.message);
  }
}

async function findCount<S extends SqlSession, T extends Table, E>(
  { catalog }: RelationalSystem<S, T, E>,
  session: S,
  { countsRows: counted, where }: PlannedLoad,
  table: T,
): Promise<RowCount | undefined> {
  const rows = matchingRows(table.name, where);
  // The system compiles the condition, and refuses a wrong one before a row is read.
  if (where !== undefined) await session.query(`SELECT 1 FROM ${rows} LIMIT 0`);
  if (counted === "none") return undefined;
  return counted === "exact" || where !== undefined
    ? { rows: await countRows(session, rows), estimated: false }
    : await catalog.countRows(session, table);
}

/** Describes the columns that are shorter than the source declares; most texts without a bound fit. */
function describeShort<T extends Table, E>(
  system: Matching<T, E>,
  table: T,
  short: readonly Required<NarrowField>[],
): string[] {
  const find = columnFinder(system, table);
  return short.flatMap(({ field, type }) => {
    const { name, type: old } = find(field.name)!;
    const length = longestText(field)!;
    return isFinite(length)
      ? [
        `Column "${name}" of ${table.label} is ${old}, field "${field.name}" has up to ${length} characters: a longer text ends the load; set "load: { schema: evolve }" in the stream to make the column ${type}`,
      ]
      : [];
  });
}

/** Missing and changed columns are planned with their next type. */
async function planColumns<S extends SqlSession, T extends Table, E>(
  system: RelationalSystem<S, T, E>,
  session: S,
  load: PlannedLoad,
  table: T,
  changed: ReadonlySet<string>,
  narrow: readonly NarrowField[],
): Promise<FieldConversion[]> {
  const { fields } = load.staged;
  const next = new Map(narrow.map(({ field, type }) => [field, type]));
  const found = new Map(findConversions(system, table, fields).map((one) => [one.field, one]));
  const types = await system.types.newTypes(session, fields, keyOfNewTable(load));
  return fields.map((field, i) => {
    const kept = changed.has(field.name) ? undefined : found.get(field);
    const type = next.get(field) ?? types[i]!;
    return kept ?? { field, type, conversion: system.types.conversionInNew(field, type) };
  });
}

function describeRows(count: RowCount | undefined): string {
  if (count === undefined) return "an unknown number of rows";
  const { rows, estimated } = count;
  if (estimated) return `about ${rows} rows`;
  return rows === 1 ? "1 row" : `${rows} rows`;
}

/**
 * Refuses a replacement that would delete or change rows of other tables, since it deletes all rows first.
 *
 * @throws {LoaderError} that names the foreign key
 */
export async function refuseCascades<S extends SqlSession, T extends Table, E>(
  { catalog }: RelationalSystem<S, T, E>,
  session: S,
  table: T,
  doing = "replace",
): Promise<void> {
  const found = await catalog.cascade(session, table);
  if (found === undefined) return;
  const { label, action, constraint } = found;
  const by = constraint === undefined ? "its foreign key" : `its foreign key "${constraint}"`;
  throw new LoaderError(
    doing === "replace"
      ? `Cannot replace ${table.label}: its rows are deleted first, which would change ${label} by ${by} ON DELETE ${action}, expected mode upsert or append`
      : `Cannot ${doing} ${table.label}: that would change ${label} by ${by} ON DELETE ${action}, expected deletes: soft`,
  );
}
