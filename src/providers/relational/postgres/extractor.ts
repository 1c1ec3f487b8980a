/** Tables, queries and functions → batches, over COPY in binary. */
import type { Batch } from "../../../core/batch.ts";
import { ExtractorError } from "../../../core/errors.ts";
import type {
  ExtractRequest,
  Partition,
  PartitionSettings,
  Projection,
  RecordExtractor,
} from "../../../core/extractor.ts";
import type { Extraction } from "../../../core/proof.ts";
import { type Dialect, selectStatement } from "../sql.ts";
import { typeNames } from "./catalogue.ts";
import type { PostgresConnector } from "./connector.ts";
import { type Reading, readingOf } from "./decoder.ts";
import { dialect } from "./dialect.ts";
import { rowsOfTag } from "./messages.ts";
import { partConditions, partitionOf, snapshotOf } from "./partition.ts";
import { RowDecoder } from "./row_decoder.ts";
import type { Session } from "./session.ts";

/**
 * One COPY in one read-only transaction, so that all rows are of one moment. Its proof is the count in
 * the server's command tag.
 */
export class PostgresCopyExtractor implements RecordExtractor {
  readonly yields = "records";

  constructor(private readonly connector: PostgresConnector) {}

  partition(task: ExtractRequest, settings: PartitionSettings): Promise<Partition> {
    return partitionOf(this.connector, task, settings);
  }

  async *extract(task: ExtractRequest): Extraction<Batch> {
    if (task.projections.length === 0) {
      throw new ExtractorError("Cannot extract a stream without fields: it has no column to read");
    }
    const session = await this.connector.begin("read", task.signal, snapshotOf(task));
    const release = session.abortedBy(task.signal);
    let whole = false;
    try {
      const tag = yield* copy(session, task);
      await session.query("COMMIT");
      whole = true;
      return { rows: rowsOfTag(tag)!, evidence: tag };
    } finally {
      release();
      if (whole) await this.connector.giveBack(session);
      else await session.close();
    }
  }
}

async function* copy(session: Session, task: ExtractRequest): AsyncGenerator<Batch, string, void> {
  const readings = await readingsOf(session, task);
  const sql = selectStatement(
    task,
    withReadings(task.projections, readings),
    partConditions(task),
  );
  const decoder = new RowDecoder(task.projections.map(({ field }) => field), readings, {
    rows: task.batchRows,
    bytes: task.batchBytes,
  }, task.recycle);
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
  if (!decoder.empty) yield decoder.take();
  return out.tag!;
}

/** Asks what types the columns have, and finds for each how to read it as its field. */
async function readingsOf(session: Session, task: ExtractRequest): Promise<Reading[]> {
  const columns = await session.describe(selectStatement(withoutRange(task), dialect));
  const types = await typeNames(session, columns);
  const ascii = session.parameters.get("server_encoding") === "SQL_ASCII";
  return task.projections.map(({ field }, i) => readingOf(types[i]!, field, ascii));
}

/** The dialect whose select list casts each column as its reading wants. */
function withReadings(projections: readonly Projection[], readings: readonly Reading[]): Dialect {
  const byName = new Map(projections.map(({ field }, i) => [field.name, readings[i]!]));
  return { ...dialect, select: (sql, field) => byName.get(field.name)!.select(sql) };
}

function withoutRange({ range: _range, ...task }: ExtractRequest): ExtractRequest {
  return task;
}
