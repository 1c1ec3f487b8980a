/** Loads staged records into one file. */
import { arrowSchema, wrapBatch } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { FilestoreConnector } from "../../../core/contracts/connector.ts";
import type { LoadReceipt, VerifiedLoad } from "../../../core/contracts/loader.ts";
import type { Field } from "../../../models/field.ts";
import { fieldsOfFile, type FileFields } from "../source/fields.ts";
import { toFileBatch, toFileFields } from "./file_fields.ts";
import { columnName, fileInput, type TypeToWrite, typeToWrite } from "../source/file.ts";
import { matchColumns } from "./column_match.ts";
import type { FileLoadTask } from "./loaders.ts";
import { rememberFile } from "./load_commit.ts";
import { refuseStale } from "../max_watermark.ts";
import { describeWritten, encode, joinParts, recountRecords, type Written } from "./record_file.ts";
import { verifyFile } from "./verify_file.ts";

/**
 * Replaces the file, or writes its records and the staged ones into a new file that replaces it.
 * Readers see either the old file or the new one.
 */
export async function loadRecordFile(
  connector: FilestoreConnector,
  task: FileLoadTask,
): Promise<LoadReceipt> {
  const { target, staged, mode } = task;
  const type = await typeToWrite(target.path, target);
  if (mode === "append") {
    // Wait for the whole stage, so that the time between reading and replacing the file is short.
    const { count } = await staged.committed();
    if (count === 0 && (await connector.list(target)).length > 0) {
      return { rows: 0, evidence: `"${target.path}" as it was` };
    }
  }
  const written: Written = { rows: 0, bytes: 0, fields: staged.fields };
  let fileFields = staged.fields;
  let before = 0;
  async function* bytes() {
    // connector.write() holds the lock of the file from here on.
    await refuseStale(connector, task);
    const existing = mode === "append" ? await readExistingFields(connector, task) : undefined;
    fileFields = await toFileFields(connector, staged, type.format.name, existing);
    const old = existing === undefined
      ? undefined
      : readExisting(connector, task, type, fileFields, existing);
    written.fields = old?.fields ?? fileFields;
    const isAsStaged = old === undefined && fileFields === staged.fields;
    const joined = isAsStaged ? await joinParts(staged, type, written) : undefined;
    yield* joined ?? encode(allBatches(old?.batches), type, written);
  }
  async function* allBatches(old: AsyncIterable<Batch> | undefined) {
    for await (const batch of old ?? []) {
      before += batch.numRows;
      yield batch;
    }
    let added = 0;
    for await (const batch of staged.readBatches(true)) {
      task.signal.throwIfAborted();
      const own = toFileBatch(batch, staged.fields, fileFields, added);
      added += batch.numRows;
      yield reorderColumns(own, fileFields, written.fields);
    }
  }
  const wanted = async () => before + (await staged.committed()).count;
  const recount = recountRecords(connector, type, written, wanted);
  let verified: VerifiedLoad | undefined;
  const check = async (path: string) => {
    await recount(path);
    const pending = { path, fields: written.fields, before };
    verified = await verifyFile(connector, task, type, pending);
    await rememberFile(connector, task, path);
  };
  await connector.write(target.path, bytes(), check, task.claim);
  return {
    rows: written.rows - before,
    evidence: describeWritten(target.path, written),
    verified,
  };
}

/** The fields of the existing file; undefined when it does not exist or is empty. */
async function readExistingFields(
  connector: FilestoreConnector,
  { target }: FileLoadTask,
): Promise<FileFields | undefined> {
  const [entry] = await connector.list(target);
  if (entry === undefined || entry.size === 0) return undefined;
  return await fieldsOfFile(connector, entry, target);
}

/** Reads the existing file with the types of the staged fields. */
function readExisting(
  connector: FilestoreConnector,
  { target, signal }: FileLoadTask,
  type: TypeToWrite,
  fileFields: readonly Field[],
  existing: FileFields,
): { fields: Field[]; batches: AsyncGenerator<Batch, void, void> } {
  const fields = matchColumns(existing, fileFields, type);
  async function* batches() {
    const projections = fields.map((field, i) => ({ field, column: columnName(field, i, type) }));
    const { format, compression, options } = type;
    const bounds = { batchRows: 16_384, batchBytes: 1 << 24 };
    // `complete` reads also keys that the first records do not have; they would be lost.
    const request = { projections, complete: true, ...bounds, compression, options };
    await using file = await connector.openRead(target.path);
    for await (const batch of format.read(fileInput(file, target.path), request)) {
      signal.throwIfAborted();
      yield batch;
    }
    await file.check();
  }
  return { fields, batches: batches() };
}

/** Reorders the columns of a batch from one list of fields to another with the same names. */
function reorderColumns(batch: Batch, from: readonly Field[], to: readonly Field[]): Batch {
  if (from === to) return batch;
  const columns = to.map(({ name }) =>
    batch.data.children[from.findIndex((field) => field.name === name)]!
  );
  return wrapBatch(arrowSchema(to), columns, batch.numRows);
}
