/** Staged records → a folder of part files. */
import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { FileEntry, FilestoreConnector } from "../../../core/contracts/connector.ts";
import { LoaderError } from "../../../core/errors.ts";
import type { LoadReceipt } from "../../../core/contracts/loader.ts";
import { fieldsOfFile, type FileFields } from "../source/fields.ts";
import { toFileBatch, toFileFields } from "./file_fields.ts";
import { type TypeToWrite, typeToWrite } from "../source/file.ts";
import { matchColumns } from "./column_match.ts";
import { literalGlob } from "../source/glob.ts";
import type { FileLoadTask } from "./loaders.ts";
import { rememberPart } from "./load_commit.ts";
import { refuseStale } from "../max_watermark.ts";
import { describeWritten, encode, joinParts, recountRecords, type Written } from "./record_file.ts";

/**
 * Adds one part file, or replaces the folder by one with a single part. A part that is added is
 * named after its stage, so that loading the same stage again does not add it twice.
 */
export async function loadRecordFolder(
  connector: FilestoreConnector,
  task: FileLoadTask,
): Promise<LoadReceipt> {
  const { target, staged, mode } = task;
  const type = await typeToWrite(`part.${target.format ?? "parquet"}`, target);
  const parts = await connector.list(target);
  if (mode === "append" && parts.length > 0) {
    await staged.whole();
    if (staged.count === 0) return { rows: 0, evidence: `"${target.path}" as it was` };
  }
  const there = mode === "append" ? await fieldsThere(connector, task, parts.at(-1)) : undefined;
  if (mode === "replace") await refuseOthers(connector, target.path, type);
  const filed = await toFileFields(connector, staged, type.format.name, there);
  if (there !== undefined) matchColumns(there, filed, type);
  const name = partName(task, parts, type);
  const written: Written = { rows: 0, bytes: 0, fields: filed };
  async function* batches() {
    for await (const batch of staged.readBatches(true)) {
      task.signal.throwIfAborted();
      yield toFileBatch(batch, staged.fields, filed, written.rows);
    }
  }
  const count = recountRecords(connector, type, written, () => staged.count);
  const check = async (path: string) => {
    await count(path);
    // A load may take long, and what others put there meanwhile is not to be lost.
    if (mode === "replace") await refuseOthers(connector, target.path, type);
    await rememberPart(task, name);
  };
  async function* bytes() {
    // Only here does nobody else write to the folder.
    await refuseStale(connector, task);
    const same = filed === staged.fields ? await joinParts(staged, type, written) : undefined;
    yield* same ?? encode(batches(), type, written);
  }
  await connector.writeFolder(target.path, [{ name, bytes, check }], mode, task.claim);
  return { rows: written.rows, evidence: describeWritten(posix.join(target.path, name), written) };
}

/** The fields of the part that was added last; undefined when there is none, or it is empty. */
async function fieldsThere(
  connector: FilestoreConnector,
  { target }: FileLoadTask,
  last: FileEntry | undefined,
): Promise<FileFields | undefined> {
  if (last === undefined || last.size === 0) return undefined;
  return await fieldsOfFile(connector, last, target);
}

/** A folder with anything but files of this format is not one that dxt may empty. */
export async function refuseOthers(
  connector: FilestoreConnector,
  path: string,
  { extension }: TypeToWrite,
): Promise<void> {
  const all = await connector.list({
    type: "glob",
    pattern: posix.join(literalGlob(path), "**/{.*,*}"),
  });
  const other = all.find(({ name }) => !name.endsWith(extension));
  if (other === undefined) return;
  throw new LoaderError(
    `Cannot replace folder "${path}": it holds "${other.name}", expected only files that end with ${extension}`,
  );
}

/** `part-00000` of a replaced folder; an added part has the next number and its stage's mark. */
function partName(
  { staged, mode }: FileLoadTask,
  parts: readonly FileEntry[],
  { extension }: TypeToWrite,
): string {
  if (mode === "replace") return `part-00000${extension}`;
  const { pipeline, stream, run_id } = staged.details;
  const mark = createHash("sha256").update(JSON.stringify([pipeline, stream, run_id])).digest("hex")
    .slice(0, 16);
  const same = parts.find(({ name }) => name.endsWith(`-${mark}${extension}`));
  if (same !== undefined) return same.name;
  const numbers = parts.map(({ name }) => Number(/^part-(\d+)/.exec(name)?.[1] ?? -1));
  const next = Math.max(-1, ...numbers) + 1;
  return `part-${String(next).padStart(5, "0")}-${mark}${extension}`;
}
