/** Loads staged records into a folder of part files. */
import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { FileEntry, FilestoreConnector } from "../../../core/contracts/connector.ts";
import { LoaderError } from "../../../core/errors.ts";
import type { LoadReceipt, VerifiedLoad } from "../../../core/contracts/loader.ts";
import { fieldsOfFile, type FileFields } from "../source/fields.ts";
import { toFileBatch, toFileFields } from "./file_fields.ts";
import { type TypeToWrite, typeToWrite } from "../source/file.ts";
import { matchColumns } from "./column_match.ts";
import { literalGlob } from "../source/glob.ts";
import type { FileLoadTask } from "./loaders.ts";
import { rememberPart } from "./load_commit.ts";
import { refuseStale } from "../max_watermark.ts";
import { describeWritten, encode, joinParts, recountRecords, type Written } from "./record_file.ts";
import { verifyFile } from "./verify_file.ts";

/**
 * Adds one part file, or replaces the folder by one with a single part. An added part is named after
 * its stage, so that loading the same stage again does not add it twice.
 */
export async function loadRecordFolder(
  connector: FilestoreConnector,
  task: FileLoadTask,
): Promise<LoadReceipt> {
  const { target, staged, mode } = task;
  const type = await typeToWrite(`part.${target.format ?? "parquet"}`, target);
  const parts = await connector.list(target);
  if (mode === "append" && parts.length > 0) {
    const { count } = await staged.committed();
    if (count === 0) return { rows: 0, evidence: `"${target.path}" as it was` };
  }
  const existing = mode === "append"
    ? await readExistingFields(connector, task, parts.at(-1))
    : undefined;
  if (mode === "replace") await refuseOtherFiles(connector, target.path, type);
  const fileFields = await toFileFields(connector, staged, type.format.name, existing);
  if (existing !== undefined) matchColumns(existing, fileFields, type);
  const name = partName(task, parts, type);
  const written: Written = { rows: 0, bytes: 0, fields: fileFields };
  async function* batches() {
    for await (const batch of staged.readBatches(true)) {
      task.signal.throwIfAborted();
      yield toFileBatch(batch, staged.fields, fileFields, written.rows);
    }
  }
  const wanted = async () => (await staged.committed()).count;
  const recount = recountRecords(connector, type, written, wanted);
  let verified: VerifiedLoad | undefined;
  const check = async (path: string) => {
    await recount(path);
    verified = await verifyFile(connector, task, type, { path, fields: fileFields, before: 0 });
    // Checked again after the load, which may take long: other files must not be lost.
    if (mode === "replace") await refuseOtherFiles(connector, target.path, type);
    await rememberPart(task, name);
  };
  async function* bytes() {
    // connector.writeFolder() holds the lock of the folder from here on.
    await refuseStale(connector, task);
    const isAsStaged = fileFields === staged.fields;
    const joined = isAsStaged ? await joinParts(staged, type, written) : undefined;
    yield* joined ?? encode(batches(), type, written);
  }
  await connector.writeFolder(target.path, [{ name, bytes, check }], mode, task.claim);
  const evidence = describeWritten(posix.join(target.path, name), written);
  return { rows: written.rows, evidence, verified };
}

/** The fields of the last part; undefined when there is none or it is empty. */
async function readExistingFields(
  connector: FilestoreConnector,
  { target }: FileLoadTask,
  last: FileEntry | undefined,
): Promise<FileFields | undefined> {
  if (last === undefined || last.size === 0) return undefined;
  return await fieldsOfFile(connector, last, target);
}

/** @throws {LoaderError} when the folder contains other files, which a replacement would delete */
export async function refuseOtherFiles(
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
    `Cannot replace folder "${path}": it contains "${other.name}", expected only files that end with ${extension}`,
  );
}

/** `part-00000` in a replaced folder; else the next number, with a hash that identifies the stage. */
function partName(
  { staged, mode }: FileLoadTask,
  parts: readonly FileEntry[],
  { extension }: TypeToWrite,
): string {
  if (mode === "replace") return `part-00000${extension}`;
  const { pipeline, stream, run_id } = staged.details;
  const hash = createHash("sha256").update(JSON.stringify([pipeline, stream, run_id])).digest("hex")
    .slice(0, 16);
  const same = parts.find(({ name }) => name.endsWith(`-${hash}${extension}`));
  if (same !== undefined) return same.name;
  const numbers = parts.map(({ name }) => Number(/^part-(\d+)/.exec(name)?.[1] ?? -1));
  const next = Math.max(-1, ...numbers) + 1;
  return `part-${String(next).padStart(5, "0")}-${hash}${extension}`;
}
