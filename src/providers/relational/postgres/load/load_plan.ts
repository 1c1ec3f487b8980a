/** What a load would do, by the statements that it would run, in a transaction that only reads. */
import { convert, type FieldConversion } from "../../../../core/values/conversion.ts";
import { DXTError } from "../../../../core/errors.ts";
import type { LoadPlan, PlannedLoad } from "../../../../core/contracts/loader.ts";
import type { Field } from "../../../../models/field.ts";
import { checkLoadTask, keyOfNewTable } from "../../target.ts";
import { displayName, quoteTable, tableName } from "../../names.ts";
import { findRelation, type Relation } from "../sql/catalog.ts";
import type { PostgresConnector } from "../connector.ts";
import { conversionOf } from "../types/conversion.ts";
import { dialect } from "../sql/dialect.ts";
import type { Session } from "../wire/session.ts";
import { siblingTable } from "../parallel_load.ts";
import { createLike, refuseLosses, swapStatements } from "../table_swap.ts";
import {
  columnTypes,
  conversionsOf,
  createStatements,
  matchTarget,
  warnOfComputed,
  warnOfUnfilled,
} from "./target.ts";
import { findHooks, refuseRules, STATEMENTS_OF } from "../sql/triggers.ts";
import { emptyStatements, refuseCascades, stageTable } from "./upsert.ts";

/** Rows that are counted; of a larger table the catalogue's estimate is told. */
const COUNTED = 1_000_000;

/** `swaps`: a replacement puts a new table into the place of the old one. */
export function planLoad(
  connector: PostgresConnector,
  load: PlannedLoad,
  swaps: boolean,
): Promise<LoadPlan> {
  checkLoadTask(load, dialect);
  return connector.reading(async (session) => {
    const name = quoteTable(tableName(load.target), dialect);
    const relation = await findRelation(session, name);
    return relation === undefined
      ? await planNew(session, load, name, connector.config.schema)
      : await planExisting(connector, session, load, relation, swaps);
  });
}

async function planNew(
  session: Session,
  load: PlannedLoad,
  name: string,
  schema: string | undefined,
): Promise<LoadPlan> {
  const { fields } = load.staged;
  const types = await columnTypes(session, load);
  const columns = fields.map((field, i): FieldConversion => {
    const type = types[i]!;
    const column = { name: field.name, type, kind: "b", nullable: field.nullable } as const;
    const none = { hasDefault: false, generated: false, identity: false, key: false };
    return { field, type, conversion: conversionOf(field, { ...column, ...none }) };
  });
  const made = await createStatements(session, load, name, schema, keyOfNewTable(load), types);
  return { exists: false, columns, statements: [...made, ...staging(load, name, fields)], ...CALM };
}

const CALM = { destructive: [], problems: [] } as const;

function staging({ mode }: PlannedLoad, name: string, fields: readonly Field[]): string[] {
  return mode === "upsert" ? stageTable(name, fields).split("; ") : [];
}

async function planExisting(
  connector: PostgresConnector,
  session: Session,
  load: PlannedLoad,
  relation: Relation,
  swaps: boolean,
): Promise<LoadPlan> {
  const { name } = relation;
  const problems: string[] = [];
  const tried = async (work: () => unknown) => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DXTError)) throw error;
      problems.push(error.message);
    }
  };
  // What is lossy and not accepted is told with its column.
  let fields = load.staged.fields;
  await tried(() => {
    const target = matchTarget(relation, { ...load, lossy: "accept" });
    warnOfComputed(connector, target);
    warnOfUnfilled(connector, relation, load);
    fields = target.columns.map(({ field }) => field);
  });
  // A swap puts a table without rules into the place of one that must not have any.
  if (!swaps) {
    const hooks = await findHooks(session, relation);
    await tried(() => refuseRules(relation, STATEMENTS_OF[load.mode], hooks));
  }
  const { rows, shownRows } = await rowsOf(session, relation);
  const statements = staging(load, name, fields);
  const destructive: string[] = [];
  if (load.mode === "replace") {
    await tried(() => refuseCascades(session, relation));
    if (swaps) {
      await tried(() => refuseLosses(session, relation));
      const { beside } = siblingTable(tableName(load.target), relation);
      const placed = await swapStatements(session, beside, relation);
      statements.push(createLike(beside, relation), ...placed.map((one) => one.statement));
      destructive.push(
        `${displayName(name)} is dropped with ${shownRows}, a new table takes its place`,
      );
    } else {
      statements.push(...emptyStatements(relation, name));
      if (rows !== 0) destructive.push(`${shownRows} of ${displayName(name)} are deleted`);
    }
  }
  return {
    exists: true,
    ...(rows === undefined ? {} : { rows }),
    columns: await columnsOf(session, load, relation),
    statements,
    destructive,
    problems,
  };
}

/** Columns that are missing would be a problem: they are shown as the type that they should have. */
async function columnsOf(
  session: Session,
  load: PlannedLoad,
  relation: Relation,
): Promise<FieldConversion[]> {
  const found = new Map(
    conversionsOf(relation, load.staged.fields).map((one) => [one.field, one]),
  );
  const types = await columnTypes(session, load);
  return load.staged.fields.map((field, i) =>
    found.get(field) ?? { field, type: types[i]!, conversion: convert(field, field) }
  );
}

/** Rows, counted or estimated; a login that may not look at them is told so. */
async function rowsOf(
  session: Session,
  { id, name }: Relation,
): Promise<{ rows?: number; shownRows: string }> {
  const { rows: [row] } = await session.query(
    `SELECT reltuples::bigint::text, pg_catalog.has_table_privilege(oid, 'SELECT')
     FROM pg_catalog.pg_class WHERE oid = ${id}`,
  );
  const estimate = Number(row![0]);
  if (row![1] !== "t") return { shownRows: "an unknown number of rows" };
  if (estimate > COUNTED) return { rows: estimate, shownRows: `about ${estimate} rows` };
  const { rows: [counted] } = await session.query(`SELECT count(*) FROM ${name}`);
  const rows = Number(counted![0]);
  return { rows, shownRows: rows === 1 ? "1 row" : `${rows} rows` };
}
