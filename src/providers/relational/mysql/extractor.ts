/** Tables, views and queries → batches, over one connection: the server shares no snapshot between several. */
import type { Batch } from "../../../core/contracts/batch.ts";
import {
  type Partition,
  type ReadTask,
  type RecordExtractor,
  undivided,
} from "../../../core/contracts/extractor.ts";
import type { Extraction } from "../../../core/contracts/proof.ts";
import { ExtractorError } from "../../../core/errors.ts";
import { selectStatement } from "../select.ts";
import type { MySQLConnector } from "./connector.ts";
import { dialect } from "./dialect.ts";
import { asText, directKind } from "./wire/column_types.ts";
import { RowDecoder } from "./wire/row_decoder.ts";
import type { Session } from "./wire/session.ts";

/**
 * One statement in one transaction, so that all rows are of one moment. Its proof is that the server ended the
 * rows, and counted as many as came.
 */
export class MySQLExtractor implements RecordExtractor {
  readonly yields = "records";

  constructor(private readonly connector: MySQLConnector) {}

  partition(): Promise<Partition> {
    return undivided();
  }

  async *extract(task: ReadTask): Extraction<Batch> {
    if (task.projections.length === 0) {
      throw new ExtractorError("Cannot extract a stream without fields: it has no column to read");
    }
    const session = await this.connector.begin(task.signal);
    const rows = yield* this.connector.streaming(session, task.signal, readAll(session, task));
    return { rows, evidence: `FOUND_ROWS() = ${rows}` };
  }
}

async function* readAll(session: Session, task: ReadTask) {
  const rows = yield* streamRows(session, task);
  await session.query("COMMIT");
  return rows;
}

/** Reads rows in the transaction of a session; returns how many there were. */
export async function* streamRows(
  session: Session,
  task: ReadTask,
): AsyncGenerator<Batch, number, void> {
  const { range: _range, ...whole } = task;
  const columns = await session.describe(selectStatement(whole, dialect));
  const byName = new Map(task.projections.map(({ field }, i) => [field.name, columns[i]!]));
  const sql = selectStatement(task, {
    ...dialect,
    select: (text, field) => {
      const column = byName.get(field.name)!;
      return directKind(column, field) === undefined ? asText(text, column) : text;
    },
  });
  const stream = await session.stream(sql);
  const decoder = new RowDecoder(task, columns);
  let hasRoom = true;
  while (await stream.read((input) => hasRoom = decoder.push(input))) {
    if (hasRoom) continue;
    yield decoder.take();
    hasRoom = true;
  }
  const { rows: [found] } = await session.query("SELECT FOUND_ROWS()");
  if (Number(found![0]) !== decoder.rows) {
    throw new ExtractorError(
      `Cannot extract all rows: MySQL found ${found![0]}, ${decoder.rows} rows came`,
    );
  }
  const { rows } = decoder;
  if (!decoder.isEmpty) yield decoder.take();
  return rows;
}
