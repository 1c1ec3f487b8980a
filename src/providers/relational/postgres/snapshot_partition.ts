/**
 * Parts of a table for several connections that see the same moment: one transaction exports its
 * snapshot, the others take it over.
 * https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-SNAPSHOT-SYNCHRONIZATION
 */
import {
  type ExtractRequest,
  type Partition,
  type PartitionSettings,
  undivided,
} from "../../../core/contracts/extractor.ts";
import { cutRanges, fieldRanges } from "../partition.ts";
import { type FieldRange, getFieldRange, type Range, selectStatement } from "../select.ts";
import { displayName, quoteTable, tableName } from "../names.ts";
import { findRelation } from "./sql/catalog.ts";
import type { PostgresConnector } from "./connector.ts";
import { dialect } from "./sql/dialect.ts";
import { exportSnapshot } from "./sql/snapshot_proof.ts";
import { withResultNames } from "./sql/result_names.ts";
import { parseVersion, type Session } from "./wire/session.ts";

/** A smaller part is read before its thread has started. */
const PART_BYTES = 16 * 1024 * 1024;
const PAGE_BYTES = 8192;
/** The first version that reads a range of row addresses without reading the rest. */
const RANGE_SCAN = 14;

/** Kinds of relations that rows have addresses in: table, partitioned table, materialised view. */
const ADDRESSED = ["r", "p", "m"];

/**
 * Divides a large table by row addresses, or a source by the ranges of a given field. The session locks the
 * source before it exports its snapshot, and keeps the locks while the parts are read.
 */
export async function makePartition(
  connector: PostgresConnector,
  task: ExtractRequest,
  { most, field }: PartitionSettings,
): Promise<Partition> {
  if (most < 2 || (field === undefined && task.source.type !== "relation")) return undivided();
  const session = await connector.begin("export", task.signal);
  const release = session.endOnAbort(task.signal);
  try {
    const named = await withResultNames(session, task);
    const cut: Division = field === undefined
      ? await pageRanges(session, named, most)
      : { ranges: await fieldRanges(session, named, field, most, dialect) };
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

export function getSnapshot({ part }: ExtractRequest): string | undefined {
  return part?.["snapshot"] as string | undefined;
}

/** OID of the relation that a part's pages are of. */
export function getRelation({ part }: ExtractRequest): string | undefined {
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

/** Conditions of a part that is a range of pages. */
export function pageConditions(task: ExtractRequest): string[] {
  if (getSnapshot(task) === undefined || getFieldRange(task.part) !== undefined) return [];
  const { from, to } = task.part as unknown as Range;
  const page = (number: string) => `'(${BigInt(number)},0)'::tid`;
  return [
    ...(from === null ? [] : [`ctid >= ${page(from)}`]),
    ...(to === null ? [] : [`ctid < ${page(to)}`]),
  ];
}

/** How a source is divided. */
interface Division {
  /** OID of the relation whose pages the ranges are of. */
  readonly relation?: string;
  readonly ranges: readonly (Range | FieldRange)[];
}

const WHOLE: Division = { ranges: [] };

/** Equal ranges of pages. Those of tables that inherit from it are cut at the same numbers. */
async function pageRanges(session: Session, task: ExtractRequest, most: number): Promise<Division> {
  if (!(parseVersion(session) >= RANGE_SCAN)) return WHOLE;
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
  return { relation: relation.id, ranges: cutRanges(0n, BigInt(pages), count) };
}
