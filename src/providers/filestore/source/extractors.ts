/** Extractors of all filestores: records of files, or whole files unchanged. */
import { filterBatch, firstRows, rangePredicate } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { FilestoreConnector, OpenFile } from "../../../core/contracts/connector.ts";
import { ConfigurationError, SchemaError, ValueError } from "../../../core/errors.ts";
import {
  type ExtractRequest,
  type ExtractTask,
  type FileExtractor,
  type RecordExtractor,
  type SourceFile,
} from "../../../core/contracts/extractor.ts";
import type { Extraction } from "../../../core/contracts/proof.ts";
import { requireFiles } from "./fields.ts";
import { fileInput, fileType, getFormatHints, openListed, wholeFile } from "./file.ts";
import { partitionFiles, type Piece, splitFiles } from "./partition.ts";

/** Reads the records of all files of a stream, one file after another. */
export function recordExtractor(connector: FilestoreConnector): RecordExtractor {
  return {
    partition: (task, settings) => {
      refuseExpressions(task);
      return partitionFiles(connector, task, settings);
    },
    extract: (task) => extractRecords(connector, task),
  };
}

/** Copies the files of a stream unchanged. */
export function fileExtractor(connector: FilestoreConnector): FileExtractor {
  return { extract: (task) => extractFiles(connector, task) };
}

async function* extractRecords(
  connector: FilestoreConnector,
  task: ExtractTask,
): Extraction<Batch> {
  refuseExpressions(task);
  const keep = rangeFilter(task);
  const { pieces, others: listed } = await splitFiles(connector, task);
  const { limit = Infinity, rejections } = task;
  let [read, kept, bytes] = [0, 0, 0];
  for (const piece of pieces) {
    if (kept === limit) break;
    await using file = await openListed(connector, piece.entry, listed);
    for await (const batch of fileBatches(file, piece, task)) {
      task.signal.throwIfAborted();
      const wanted = firstRows(keep(batch), limit - kept);
      read += batch.numRows;
      kept += wanted.numRows;
      if (wanted.numRows > 0) yield wanted;
      if (kept === limit) break;
    }
    await file.check();
    bytes += file.size;
  }
  const inRange = task.range?.after === undefined && task.range?.upTo === undefined
    ? ""
    : `, ${kept} of them in range`;
  const first = limit === Infinity ? "" : `, the first ${kept} of them`;
  const rejected = rejections?.count ?? 0;
  const others = rejected === 0 ? "" : `, ${rejected} other records`;
  return {
    rows: kept + rejected,
    evidence: `${volume(pieces, bytes)}, ${read} rows${inRange}${first}${others}`,
  };
}

async function* fileBatches(
  file: OpenFile,
  { entry, range }: Piece,
  task: ExtractTask,
): AsyncGenerator<Batch, void, void> {
  const { source, projections, batchRows, batchBytes, recycle, ...others } = task;
  const { complete, excluded, rejections } = others;
  const { format, compression, options } = await fileType(entry.name, getFormatHints(source));
  const bounds = { batchRows, batchBytes, recycle };
  const fields = { projections, complete, excluded };
  const request = { ...fields, ...bounds, rejections, compression, options, range };
  try {
    yield* format.read(fileInput(file, entry.path), request);
  } catch (error) {
    if (!(error instanceof ValueError)) throw error;
    const { detail, field, row, value } = error;
    throw new ValueError(`${detail} in "${entry.path}"`, field, row, value);
  }
}

async function* extractFiles(
  connector: FilestoreConnector,
  task: ExtractRequest,
): Extraction<SourceFile> {
  const entries = await connector.list(task.source);
  requireFiles(entries, task.source);
  let bytes = 0;
  for (const entry of entries) {
    task.signal.throwIfAborted();
    await using file = await openListed(connector, entry, entries);
    const { size } = file;
    yield { ...entry, size, open: () => Promise.resolve(wholeFile(file, entry.path)) };
    await file.check();
    bytes += size;
  }
  return { rows: entries.length, evidence: volume(entries.map((entry) => ({ entry })), bytes) };
}

function volume(pieces: readonly Piece[], bytes: number): string {
  const files = pieces.length === 1 ? "1 file" : `${pieces.length} files`;
  const parts = pieces.some(({ range }) => range !== undefined) ? "parts of " : "";
  return `${parts}${files}, ${bytes} bytes`;
}

function refuseExpressions({ projections }: ExtractRequest): void {
  for (const { field, expression } of projections) {
    if (expression === undefined) continue;
    throw new ConfigurationError(
      `Cannot compute field "${field.name}" as "${expression}": files evaluate no expressions`,
    );
  }
}

/** Returns a filter for the rows in the range; without a range it keeps all rows. */
function rangeFilter({ range, projections }: ExtractRequest): (batch: Batch) => Batch {
  if (range === undefined) return (batch) => batch;
  const column = projections.findIndex(({ field }) => field.name === range.field);
  if (column === -1) {
    throw new SchemaError(`Cannot filter by watermark: no field "${range.field}" in the stream`);
  }
  const { field } = projections[column]!;
  return (batch) => filterBatch(batch, rangePredicate(range, field, batch.data.children[column]!));
}
