/** Staged records → one file. */
import { arrowSchema, wrapBatch } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { FilestoreConnector } from "../../../core/contracts/connector.ts";
import type { LoadReceipt } from "../../../core/contracts/loader.ts";
import type { Field } from "../../../models/field.ts";
import { fieldsOfFile, type FileFields } from "../source/fields.ts";
import { toFileBatch, toFileFields } from "./file_fields.ts";
import { columnName, fileInput, type TypeToWrite, typeToWrite } from "../source/file.ts";
import { matchColumns } from "./column_match.ts";
import type { FileLoadTask } from "./loaders.ts";
import { rememberFile } from "./load_commit.ts";
import { refuseStale } from "../max_watermark.ts";
import { describeWritten, encode, joinParts, recountRecords, type Written } from "./record_file.ts";

/**
 * Replaces the file, or writes what it has and the staged records into a new file that takes its
 * place: readers see the old one or the new one.
 */
export async function loadRecordFile(
  connector: FilestoreConnector,
  task: FileLoadTask,
): Promise<LoadReceipt> {
  const { target, staged, mode } = task;
  const type = await typeToWrite(target.path, target);
  if (mode === "append") {
    // What others put there meanwhile is not to be lost.
    await staged.whole();
    if (staged.count === 0 && (await connector.list(target)).length > 0) {
      return { rows: 0, evidence: `"${target.path}" as it was` };
    }
  }
  const written: Written = { rows: 0, bytes: 0, fields: staged.fields };
  let filed = staged.fields;
  let before = 0;
  async function* bytes() {
    // Only here does nobody else write to the file.
    await refuseStale(connector, task);
    const there = mode === "append" ? await fieldsThere(connector, task) : undefined;
    filed = await toFileFields(connector, staged, type.format.name, there);
    const old = there === undefined ? undefined : oldRecords(connector, task, type, filed, there);
    written.fields = old?.fields ?? filed;
    const isAsStaged = old === undefined && filed === staged.fields;
    const same = isAsStaged ? await joinParts(staged, type, written) : undefined;
    yield* same ?? encode(all(old?.batches), type, written);
  }
  async function* all(old: AsyncIterable<Batch> | undefined) {
    for await (const batch of old ?? []) {
      before += batch.numRows;
      yield batch;
    }
    let added = 0;
    for await (const batch of staged.readBatches(true)) {
      task.signal.throwIfAborted();
      const own = toFileBatch(batch, staged.fields, filed, added);
      added += batch.numRows;
      yield inOrder(own, filed, written.fields);
    }
  }
  const count = recountRecords(connector, type, written, () => before + staged.count);
  const check = async (path: string) => {
    await count(path);
    await rememberFile(connector, task, path);
  };
  await connector.write(target.path, bytes(), check, task.claim);
  return {
    rows: written.rows - before,
    evidence: describeWritten(target.path, written),
  };
}

/** The fields of the file that is there; undefined when it is not, or is empty. */
async function fieldsThere(
  connector: FilestoreConnector,
  { target }: FileLoadTask,
): Promise<FileFields | undefined> {
  const [entry] = await connector.list(target);
  if (entry === undefined || entry.size === 0) return undefined;
  return await fieldsOfFile(connector, entry, target);
}

/** The records of the file that is there, in the types of those that are added. */
function oldRecords(
  connector: FilestoreConnector,
  { target, signal }: FileLoadTask,
  type: TypeToWrite,
  filed: readonly Field[],
  there: FileFields,
): { fields: Field[]; batches: AsyncGenerator<Batch, void, void> } {
  const fields = matchColumns(there, filed, type);
  async function* batches() {
    const projections = fields.map((field, i) => ({ field, column: columnName(field, i, type) }));
    const { format, compression, options } = type;
    const bounds = { batchRows: 16_384, batchBytes: 1 << 24 };
    // A key that its first records do not have would be lost with the old file.
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

/** The batch with its columns in the order of other fields of the same names. */
function inOrder(batch: Batch, from: readonly Field[], to: readonly Field[]): Batch {
  if (from === to) return batch;
  const columns = to.map(({ name }) =>
    batch.data.children[from.findIndex((field) => field.name === name)]!
  );
  return wrapBatch(arrowSchema(to), columns, batch.numRows);
}
