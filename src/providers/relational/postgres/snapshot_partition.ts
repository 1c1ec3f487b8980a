/**
 * Parts of a table for several connections that see the same moment: one transaction exports its
 * snapshot, the others take it over.
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION
 */
import { ConfigurationError } from "../../../core/errors.ts";
import {
  type ExtractRequest,
  type Partition,
  type PartitionSettings,
  type Projection,
  undivided,
} from "../../../core/contracts/extractor.ts";
import { isIntegerType } from "../../../core/values/values.ts";
import { fromClause, projectionSQL, selectStatement } from "../select.ts";
import { displayName, quoteTable, tableName } from "../names.ts";
import { findRelation } from "./sql/catalog.ts";
import type { PostgresConnector } from "./connector.ts";
import { dialect } from "./sql/dialect.ts";
import { exportSnapshot } from "./sql/snapshot_proof.ts";
import { withResultNames } from "./sql/result_names.ts";
import { type Session, versionOf } from "./wire/session.ts";

/** A smaller part is read before its thread has started. */
const PART_BYTES = 16 * 1024 * 1024;
const PAGE_BYTES = 8192;
/** The first version that reads a range of row addresses without reading the rest. */
const RANGE_SCAN = 14;

/** Kinds of relations that rows have addresses in: table, partitioned table, materialised view. */
const ADDRESSED = ["r", "p", "m"];

/**
 * By row addresses where the source is a large table; by a field's ranges where one is told. The session
 * locks what is read before it exports its snapshot, and keeps the locks while the parts are read.
 */
export async function partitionOf(
  connector: PostgresConnector,
  task: ExtractRequest,
  { most, field }: PartitionSettings,
): Promise<Partition> {
  if (most < 2 || (field === undefined && task.source.type !== "relation")) return undivided();
  const session = await connector.begin("export", task.signal);
  const release = session.abortedBy(task.signal);
  try {
    const named = await withResultNames(session, task);
    const cut = field === undefined
      ? await pageRanges(session, named, most)
      : await fieldRanges(session, named, field, most);
    const snapshot = cut.ranges.length < 2
      ? undefined
      : await shareMoment(session, connector, named, cut.relation);
    if (snapshot === undefined) {
      await session.query("COMMIT");
      await connector.giveBack(session);
      return undivided();
    }
    const { relation } = cut;
    const same = { snapshot, ...(relation === undefined ? {} : { relation }) };
    return {
      parts: cut.ranges.map((range) => ({ ...range, ...same })),
      // The snapshot and the locks last as long as the transaction.
      [Symbol.asyncDispose]: () => session.close(),
    };
  } catch (error) {
    await session.close();
    throw error;
  } finally {
    release();
  }
}

export function snapshotOf({ part }: ExtractRequest): string | undefined {
  return part?.["snapshot"] as string | undefined;
}

/** OID of the relation that a part's pages are of. */
export function relationOf({ part }: ExtractRequest): string | undefined {
  return part?.["relation"] as string | undefined;
}

/**
 * Locks what the task reads, and exports a snapshot that is later than the locks: nothing of it can be
 * rewritten, truncated or replaced until the session ends. Undefined where no moment can be shared.
 */
async function shareMoment(
  session: Session,
  { warn }: PostgresConnector,
  task: ExtractRequest,
  relation: string | undefined,
): Promise<string | undefined> {
  await session.lock(selectStatement(task, dialect));
  const { id, hasRelation, foreign } = await exportSnapshot(session, relation);
  if (foreign.length > 0) {
    const list = foreign.map(displayName).join(", ");
    warn(
      `Reading in one part: the rows of foreign table ${list} are of no moment that parts can share`,
    );
  }
  return hasRelation && foreign.length === 0 ? id : undefined;
}

/** Values or page numbers from `from` up to `to`, which is outside; null is no bound. */
interface Range {
  /** Unset, the numbers are those of pages. */
  readonly field?: string;
  readonly from: string | null;
  readonly to: string | null;
}

/** Conditions of a part. NULLs are in the one without a lower bound. */
export function partConditions(task: ExtractRequest): string[] {
  if (snapshotOf(task) === undefined) return [];
  const { field, from, to } = task.part as unknown as Range;
  const sql = field === undefined ? "ctid" : projectionSQL(wholeNumbers(task, field), dialect);
  const bound = (value: string) =>
    field === undefined ? `'(${BigInt(value)},0)'::tid` : String(BigInt(value));
  const conditions = [
    ...(from === null ? [] : [`${sql} >= ${bound(from)}`]),
    ...(to === null ? [] : [`${sql} < ${bound(to)}`]),
  ];
  if (from !== null || field === undefined) return conditions;
  return [`(${[...conditions, `${sql} IS NULL`].join(" OR ")})`];
}

/** How a source is divided. */
interface Division {
  /** OID of the relation whose pages the ranges are of. */
  readonly relation?: string;
  readonly ranges: readonly Range[];
}

const WHOLE: Division = { ranges: [] };

/** Equal ranges of pages. Those of tables that inherit from it are cut at the same numbers. */
async function pageRanges(session: Session, task: ExtractRequest, most: number): Promise<Division> {
  if (!(versionOf(session) >= RANGE_SCAN)) return WHOLE;
  const relation = await findRelation(session, quoteTable(tableName(task.source), dialect));
  if (relation === undefined || !ADDRESSED.includes(relation.kind)) return WHOLE;
  const { rows: [row] } = await session.query(`
    WITH RECURSIVE tree AS (
      SELECT ${relation.id}::oid AS id
      UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree ON i.inhparent = tree.id)
    SELECT max(pg_catalog.pg_relation_size(id))::text, sum(pg_catalog.pg_table_size(id))::text,
      bool_or(c.relkind = 'f') FROM tree JOIN pg_catalog.pg_class c ON c.oid = id`);
  const [largest, bytes, foreign] = row!;
  const pages = Math.ceil(Number(largest) / PAGE_BYTES);
  const count = Math.min(most, Math.floor(Number(bytes) / PART_BYTES), pages);
  if (foreign === "t" || count < 2) return WHOLE;
  return { relation: relation.id, ranges: between(0n, BigInt(pages), count) };
}

/** Equal ranges of a field's values; NULLs are in the first. */
async function fieldRanges(
  session: Session,
  task: ExtractRequest,
  name: string,
  most: number,
): Promise<Division> {
  const { range: _range, ...all } = task;
  const only = [wholeNumbers(task, name)];
  const column = dialect.quote(name);
  const values = selectStatement({ ...all, projections: only }, dialect);
  const { rows: [row] } = await session.query(
    `SELECT min(${column})::text, max(${column})::text FROM (${values}) AS dxt_values`,
  );
  const [low, high] = row!;
  if (typeof low !== "string" || typeof high !== "string") return WHOLE;
  const span = BigInt(high) - BigInt(low) + 1n;
  const count = span < BigInt(most) ? Number(span) : most;
  const ranges = between(BigInt(low), BigInt(low) + span, count);
  return { ranges: ranges.map((range) => ({ ...range, field: name })) };
}

/** Ranges that begin and end without a bound. */
function between(low: bigint, high: bigint, count: number): Range[] {
  const cut = (i: number) => String(low + ((high - low) * BigInt(i)) / BigInt(count));
  return Array.from({ length: count }, (_, i) => ({
    from: i === 0 ? null : cut(i),
    to: i === count - 1 ? null : cut(i + 1),
  }));
}

/** @throws {ConfigurationError} when the field is not there, or not of whole numbers */
function wholeNumbers({ projections, source }: ExtractRequest, name: string): Projection {
  const found = projections.find(({ field }) => field.name === name);
  if (found !== undefined && isIntegerType(found.field.dtype)) return found;
  const is = found === undefined ? "the stream has no such field" : `it is ${found.field.dtype}`;
  throw new ConfigurationError(
    `Cannot read ${
      fromClause(source, dialect)
    } in parts by "${name}": ${is}, expected a field of whole numbers`,
  );
}
