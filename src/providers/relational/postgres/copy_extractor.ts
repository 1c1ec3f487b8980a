/** Tables, queries and functions → batches, over COPY in binary. */
import type { Batch } from "../../../core/contracts/batch.ts";
import { ExtractorError, PartitionError } from "../../../core/errors.ts";
import type {
  ExtractRequest,
  Partition,
  PartitionSettings,
  Projection,
  ReadTask,
  RecordExtractor,
} from "../../../core/contracts/extractor.ts";
import type { Extraction } from "../../../core/contracts/proof.ts";
import { refuseOrder } from "../../../core/values/value_order.ts";
import type { Dialect } from "../contract.ts";
import { fromClause, selectStatement } from "../select.ts";
import { typeNames } from "./sql/catalog.ts";
import type { PostgresConnector } from "./connector.ts";
import { chooseColumnDecoder, type ColumnDecoder } from "./copy/column_decoders.ts";
import { dialect } from "./sql/dialect.ts";
import { isLockTimeout } from "./wire/server_error.ts";
import { rowsOfTag } from "./wire/messages.ts";
import { commitUnchanged, findChangedTables, SnapshotError } from "./sql/snapshot_proof.ts";
import { getRelation, getSnapshot, makePartition, pageConditions } from "./snapshot_partition.ts";
import { withResultNames } from "./sql/result_names.ts";
import { RowDecoder } from "./copy/row_decoder.ts";
import { parseVersion, type Session } from "./wire/session.ts";
import { PART_LOCK_TIMEOUT } from "./sql/session_settings.ts";
import { displayName } from "../names.ts";
import { chooseComparison } from "./sql/watermark_order.ts";

/**
 * One COPY in one read-only transaction, so that all rows are of one moment. Its proof is the count in
 * the server's command tag.
 */
export class PostgresCopyExtractor implements RecordExtractor {
  constructor(private readonly connector: PostgresConnector) {}

  partition(task: ExtractRequest, settings: PartitionSettings): Promise<Partition> {
    return makePartition(this.connector, task, settings);
  }

  async *extract(task: ReadTask): Extraction<Batch> {
    if (task.projections.length === 0) {
      throw new ExtractorError("Cannot extract a stream without fields: it has no column to read");
    }
    const { session, named, columns } = await this.#begin(task);
    const work = copyUnchanged(session, { ...named, rejections: task.rejections }, columns);
    try {
      const tag = yield* this.connector.streaming(session, task.signal, work);
      return { rows: rowsOfTag(tag)!, evidence: tag };
    } catch (error) {
      throw explained(error, task);
    }
  }

  /**
   * Begins a transaction and locks what the task reads. Its snapshot is older than its locks: if a table was
   * rewritten in between, the transaction begins again. A part uses the snapshot of another session, which
   * holds the locks.
   */
  async #begin(
    task: ExtractRequest,
  ): Promise<{ session: Session; named: ExtractRequest; columns: Columns }> {
    const snapshot = getSnapshot(task);
    for (let tries = 1;; tries++) {
      const session = await this.connector.begin("read", task.signal, snapshot);
      const release = session.endOnAbort(task.signal);
      try {
        const named = await withResultNames(session, task);
        const columns = await lockColumns(session, named);
        const changed = snapshot === undefined ? await findChangedTables(session) : [];
        if (changed.length === 0) return { session, named, columns };
        if (tries === MOST_TRIES) throw new SnapshotError(changed);
        await session.query("ROLLBACK");
        await this.connector.giveBack(session);
      } catch (error) {
        await session.close();
        throw explained(error, task);
      } finally {
        release();
      }
    }
  }
}

/** Copies, then commits if no table of the transaction was replaced in the meantime. */
async function* copyUnchanged(session: Session, task: ReadTask, columns: Columns) {
  const tag = yield* copy(session, task, columns);
  await commitUnchanged(session, getRelation(task));
  return tag;
}

/** Attempts to find a snapshot during which no table is rewritten. */
const MOST_TRIES = 10;

/** Turns errors of a part that a read of the whole source may avoid into a `PartitionError`. */
function explained(error: unknown, task: ExtractRequest): unknown {
  if (getSnapshot(task) === undefined) return error;
  if (error instanceof SnapshotError) return new PartitionError(error.message, { cause: error });
  if (!isLockTimeout(error)) return error;
  const { source } = task;
  const from = source.type === "relation"
    ? displayName(fromClause(source, dialect))
    : `the ${source.type}`;
  return new PartitionError(
    `Cannot lock ${from} for a part within ${PART_LOCK_TIMEOUT} s: another session waits to lock it exclusively until all parts are read`,
    { cause: error },
  );
}

/** Reads over a session, in the transaction that it is in; returns the server's command tag. */
export async function* extractOver(
  session: Session,
  task: ExtractRequest,
): AsyncGenerator<Batch, string, void> {
  return yield* copy(session, task, await lockColumns(session, task));
}

/** What the columns of a task are, and how each is read as its field. */
interface Columns {
  readonly types: readonly string[];
  readonly readings: readonly ColumnDecoder[];
}

async function* copy(
  session: Session,
  task: ReadTask,
  { types, readings }: Columns,
): AsyncGenerator<Batch, string, void> {
  const sql = selectStatement(
    task,
    { ...withReadings(task.projections, readings), compare: comparing(session, types, task) },
    pageConditions(task),
  );
  const decoder = new RowDecoder(task, readings);
  const out = await session.copyOut(`COPY (${sql}) TO STDOUT (FORMAT binary)`);
  let room = true;
  const onRow: Parameters<typeof out.read>[0] = (input, from, to) =>
    room = decoder.push(input, from, to);
  while (await out.read(onRow)) {
    if (room) continue;
    yield decoder.take();
    room = true;
  }
  const counted = rowsOfTag(out.tag ?? "");
  if (counted !== decoder.rows) {
    throw new ExtractorError(
      `Cannot extract all rows: PostgreSQL says "${out.tag}", ${decoder.rows} rows came`,
    );
  }
  if (!decoder.isEmpty) yield decoder.take();
  return out.tag!;
}

/** Locks the source, finds the types of its columns, and chooses the decoder of each. */
async function lockColumns(session: Session, task: ExtractRequest): Promise<Columns> {
  const columns = await session.lock(selectStatement(withoutRange(task), dialect));
  const types = await typeNames(session, columns);
  const ascii = session.parameters.get("server_encoding") === "SQL_ASCII";
  const readings = task.projections.map(({ field }, i) =>
    chooseColumnDecoder(types[i]!, field, ascii)
  );
  return { types, readings };
}

/** Compares the task's watermark by the type that its column has. */
function comparing(
  session: Session,
  types: readonly string[],
  { projections }: ExtractRequest,
): Dialect["compare"] {
  return (sql, field) => {
    const type = types[projections.findIndex((projection) => projection.field === field)]!;
    return chooseComparison(sql, type, field, parseVersion(session)) ?? refuseOrder(
      { ...field, source_type: type },
      "dxt",
    );
  };
}

/** The dialect whose select list casts each column as its reading wants. */
function withReadings(
  projections: readonly Projection[],
  readings: readonly ColumnDecoder[],
): Dialect {
  const byName = new Map(projections.map(({ field }, i) => [field.name, readings[i]!]));
  return { ...dialect, select: (sql, field) => byName.get(field.name)!.select(sql) };
}

function withoutRange({ range: _range, ...task }: ExtractRequest): ExtractRequest {
  return task;
}
