import { arrowSchema, batchOf, columnFor } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/batch.ts";
import { ExtractorError, ValueError } from "../../../core/errors.ts";
import type {
  ExtractTask,
  Partition,
  PartitionSettings,
  RecordExtractor,
} from "../../../core/extractor.ts";
import type { Extraction } from "../../../core/proof.ts";
import type { SqliteConnector } from "./connector.ts";
import { beginReading, breather, type DatabaseFile, openToRead, whenFree } from "./database.ts";
import { partitionOf } from "./partition.ts";
import { type Raw, rawPusher } from "./reading.ts";
import { type Rows, rowsOf } from "./rows.ts";

/**
 * Reads tables, views, queries and table-valued functions in one transaction on a connection that
 * cannot write: everything is as it was at one moment.
 */
export class SqliteExtractor implements RecordExtractor {
  readonly yields = "records";

  constructor(private readonly connector: SqliteConnector) {}

  partition(task: ExtractTask, settings: PartitionSettings): Promise<Partition> {
    return partitionOf(this.connector.file, task, settings);
  }

  async *extract(task: ExtractTask): Extraction<Batch> {
    const { file } = this.connector;
    task.signal.throwIfAborted();
    using database = openToRead(file);
    await whenFree(patient(file, task), task.signal, () => beginReading(database));
    const rows = rowsOf(database, task);
    const read = yield* batchesOf(rows, task);
    if (rows.count !== undefined && rows.count !== read) {
      throw new ExtractorError(
        `Cannot prove the extraction: ${read} rows were read, count(*) is ${rows.count}`,
      );
    }
    const counted = rows.count === undefined ? "" : `, count(*) = ${rows.count}`;
    return { rows: read, evidence: `SQLITE_DONE after ${read} rows${counted}` };
  }
}

/**
 * A writer that waits for the readers to end lets no new ones in, and a part would fail before the writer
 * gives up.
 */
function patient(file: DatabaseFile, { part }: ExtractTask): DatabaseFile {
  return part?.["to"] === undefined ? file : { ...file, busyTimeout: file.busyTimeout * 10 };
}

/** How often, in rows, the bytes of a batch are summed. */
const WEIGH = 64;

async function* batchesOf(
  { pages }: Rows,
  task: ExtractTask,
): AsyncGenerator<Batch, number, void> {
  const fields = task.projections.map(({ field }) => field);
  const schema = arrowSchema(fields);
  const columns = fields.map(columnFor);
  const pushers = fields.map((field, i) => rawPusher(field, columns[i]!));
  const breathe = breather(task.signal);
  const weight = () => columns.reduce((sum, column) => sum + column.byteLength, 0);
  let taken = 0;
  let rows = 0;
  const take = () => {
    taken += rows;
    rows = 0;
    return batchOf(schema, columns);
  };
  try {
    for (const page of pages) {
      await breathe();
      for (const row of page) {
        push(row, pushers);
        rows++;
        if (rows < task.batchRows && (rows % WEIGH !== 0 || weight() < task.batchBytes)) continue;
        yield take();
      }
      if (weight() >= task.batchBytes) yield take();
    }
    task.signal.throwIfAborted();
    if (rows > 0) yield take();
  } catch (error) {
    throw error instanceof ValueError ? error.atRow(taken + rows + 1) : error;
  }
  return taken;
}

function push(row: readonly Raw[], pushers: readonly ((value: Raw) => void)[]): void {
  for (let i = 0; i < pushers.length; i++) pushers[i]!(row[i]!);
}
