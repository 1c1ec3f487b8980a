/** Jobs of a worker that reads one of two sides whose rows are compared. */
import { filterBatch, rangePredicate, type RowPredicate, valueReader } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { WatermarkRange } from "../../../core/contracts/connector.ts";
import { BucketSums, type RowHashes } from "../../../integrity/diff/bucket_sums.ts";
import { KeyTable } from "../../../integrity/diff/key_table.ts";
import { RowHasher } from "../../../integrity/diff/row_hashes.ts";
import { takeRows } from "../../../integrity/diff/row_pairs.ts";
import type { Field } from "../../../models/field.ts";
import { countReleased } from "../../../sandbox/garbage.ts";
import { newStats, specFields } from "../extract_spec.ts";
import { createRecordExtractor, openTransform } from "./extract.ts";
import { buildTask, readBatches } from "./extract_request.ts";
import { ProgressThrottle } from "./progress_throttle.ts";
import type {
  HashesInput,
  HashesProgress,
  KeyedRow,
  SideInput,
  SideProgress,
  SideSums,
  ValuesInput,
} from "./protocol.ts";
import { verifyReceived } from "./select_rows.ts";
import { currentSession } from "./session.ts";

/** Rows of a key that are read: a key may have any number of them. */
const MOST_OF_KEY = 2;

/** Sums the hashes of all rows by the buckets of their keys. */
export async function sumSide(
  input: SideInput,
  report: (progress: SideProgress) => void,
  signal: AbortSignal,
): Promise<SideSums> {
  const found = new BucketSums();
  let [rows, later] = [0, 0];
  for await (const { batch, hashes, isLater } of readSide(input, report, signal)) {
    found.add(hashes, isLater);
    rows += batch.numRows;
    if (isLater === undefined) continue;
    for (let row = 0; row < batch.numRows; row++) if (isLater(row)) later++;
  }
  const { counts, sums } = found;
  return { counts, sums, rows: rows - later, later };
}

/** Sends the hashes of the rows in some buckets. */
export async function sendHashes(
  { buckets, ...input }: HashesInput,
  report: (progress: SideProgress | HashesProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  for await (const { hashes, isLater } of readSide(input, report, signal)) {
    const send = (side: HashesProgress["side"], isWanted?: RowPredicate) => {
      const rows = takeRows(hashes, buckets, isWanted);
      if (rows.length > 0) report({ side, hashes: rows });
    };
    if (isLater === undefined) {
      send("compared");
      continue;
    }
    send("compared", (row) => !isLater(row));
    send("later", isLater);
  }
}

/** Reads the values of the rows that have one of some keys. */
export async function readByKeys(
  { hashes: wanted, ...input }: ValuesInput,
  report: (progress: SideProgress) => void,
  signal: AbortSignal,
): Promise<KeyedRow[]> {
  // Of each key its place, and how many of its rows were read.
  const table = new KeyTable(2);
  for (let at = 0; at < wanted.length; at += 2) {
    const place = table.add(wanted[at]!, wanted[at + 1]!);
    table.words[place] = at >> 1;
  }
  const { words } = table;
  const own = specFields(input.spec);
  const indexes = input.compared.map((name) => own.findIndex((field) => field.name === name));
  const found: KeyedRow[] = [];
  for await (const { batch, hashes: { keys }, isLater } of readSide(input, report, signal)) {
    for (let row = 0; row < batch.numRows; row++) {
      const place = table.find(keys[2 * row]!, keys[2 * row + 1]!);
      if (place < 0 || words[place + 1]! >= MOST_OF_KEY || isLater?.(row) === true) continue;
      words[place + 1]!++;
      const values = indexes.map((i) => valueReader(own[i]!, batch.data.children[i]!)(row));
      found.push({ key: words[place]!, values });
    }
  }
  return found;
}

/** A batch of the rows of one side, and which of them are later ones. */
interface HashedBatch {
  readonly batch: Batch;
  readonly hashes: RowHashes;
  readonly isLater: RowPredicate | undefined;
}

/** Reads and hashes the rows of a side, as a run would stage them. */
async function* readSide(
  { extractor: chosen, spec, compared, keys, within, endedAt, loaded }: SideInput,
  report: (progress: SideProgress) => void,
  signal: AbortSignal,
): AsyncGenerator<HashedBatch, void, void> {
  const session = await currentSession();
  const extractor = await createRecordExtractor(session, chosen);
  const fields = specFields(spec);
  const hasher = new RowHasher(fields, compared, keys);
  using throttle = new ProgressThrottle(report);
  const onProgress = (rows: number, bytes: number) => {
    countReleased(bytes);
    throttle.add(rows, bytes);
  };
  const watch = { signal, onProgress, ...openTransform(session, spec, report) };
  const extraction = extractor.extract(buildTask(spec.request, signal));
  for await (const read of verifyReceived(readBatches(extraction, spec, watch, newStats()))) {
    const batch = within.reduce(
      (rows, range) => filterBatch(rows, findPredicate(rows, fields, range)),
      endedAt === undefined ? read : filterBatch(read, findUnset(read, fields, endedAt)),
    );
    if (batch.numRows === 0) continue;
    const inRange = loaded && findPredicate(batch, fields, loaded);
    const isLater = inRange && ((row: number) => !inRange(row));
    yield { batch, hashes: hasher.hash(batch), isLater };
  }
}

function findUnset(
  { data: { children } }: Batch,
  fields: readonly Field[],
  name: string,
): RowPredicate {
  const at = fields.findIndex((field) => field.name === name);
  const read = valueReader(fields[at]!, children[at]!);
  return (row) => read(row) === null;
}

function findPredicate(
  { data: { children } }: Batch,
  fields: readonly Field[],
  range: WatermarkRange,
): RowPredicate {
  const at = fields.findIndex(({ name }) => name === range.field);
  return rangePredicate(range, fields[at]!, children[at]!);
}
