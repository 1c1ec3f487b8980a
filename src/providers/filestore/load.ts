/** Staged data → files of any filestore. */
import { maxOf } from "../../arrow/mod.ts";
import type { FilestoreConnector } from "../../core/connector.ts";
import { typeText } from "../../core/conversion.ts";
import { ConfigurationError, LoaderError, SchemaError } from "../../core/errors.ts";
import {
  type Loader,
  type LoadReceipt,
  type LoadTask,
  type PlannedLoad,
  unshared,
} from "../../core/loader.ts";
import { compareValues, type Value } from "../../core/values.ts";
import type { Field } from "../../models/field.ts";
import type { StreamTarget } from "../../models/source.ts";
import { copyFiles } from "./copy.ts";
import { fieldsOfFile, type FileFields, isTyped, mergeFields } from "./fields.ts";
import { fileInput, fileType, hintsOf, openListed } from "./file.ts";
import { loadRecordFile } from "./load_file.ts";
import { loadRecordFolder } from "./load_folder.ts";
import { planLoad } from "./load_plan.ts";

/** Targets of a filestore. */
export type FileTarget = Extract<StreamTarget, { type: "file" | "directory" }>;

/** A load of records or files into a file or a folder. */
export interface FileLoadTask extends LoadTask {
  readonly target: FileTarget;
  readonly mode: "append" | "replace";
}

/** Writes staged records in any format, and staged files as they are. */
export function fileLoader(connector: FilestoreConnector): Loader {
  return {
    ...unshared,
    load: (task) => load(connector, task),
    plan: (task) => planLoad(connector, task),
    getMaxWatermark: (target, field, as) => maxWatermark(connector, target, field, as),
  };
}

async function load(connector: FilestoreConnector, task: LoadTask): Promise<LoadReceipt> {
  task.signal.throwIfAborted();
  const own: FileLoadTask = { ...task, ...refused(task) };
  if (task.staged.kind === "files") return await copyFiles(connector, own);
  return own.target.type === "file"
    ? await loadRecordFile(connector, own)
    : await loadRecordFolder(connector, own);
}

/** What of a load is never possible is refused; the mode and target of the others. */
export function refused(task: PlannedLoad): Pick<FileLoadTask, "mode" | "target"> {
  const { mode } = task;
  if (mode === "upsert") {
    throw new LoaderError(
      "Cannot upsert into files: they have no keys, expected load mode append or replace",
    );
  }
  if (task.staged.kind === "records") refuseNativeTypes(task);
  return { mode, target: fileTarget(task.target) };
}

function fileTarget(target: StreamTarget): FileTarget {
  if (target.type === "file" || target.type === "directory") return target;
  throw new ConfigurationError(
    `Cannot write a ${target.type} to files: expected a file or a directory`,
  );
}

/** A file has dxt's types alone: another one would be ignored in silence. */
function refuseNativeTypes({ staged }: PlannedLoad): void {
  for (const field of staged.fields) {
    if (field.target_type === undefined || field.target_type === typeText(field)) continue;
    throw new ConfigurationError(
      `Cannot write field "${field.name}" as ${field.target_type}: a file holds it as ${
        typeText(field)
      }, set the field's own dtype instead of its target's`,
    );
  }
}

/** Highest value of a field over the target's files, read with that one column. */
async function maxWatermark(
  connector: FilestoreConnector,
  ref: StreamTarget,
  name: string,
  as: Field | undefined,
): Promise<Exclude<Value, null> | undefined> {
  const target = fileTarget(ref);
  const entries = (await connector.list(target)).filter(({ size }) => size > 0);
  const files: FileFields[] = [];
  for (const entry of entries) files.push(await fieldsOfFile(connector, entry, hintsOf(target)));
  const fields = mergeFields(files);
  if (fields.length === 0) return undefined;
  const found = fields.find((known) => known.name === name);
  if (found === undefined) {
    throw new SchemaError(
      `Cannot find the highest "${name}" in "${target.path}": it has ${
        fields.map((known) => `"${known.name}"`).join(", ")
      }`,
    );
  }
  // A type that was guessed from text may have another order than the stream's.
  const field = as === undefined || files.some(isTyped) ? found : { ...as, name, nullable: true };
  let max: Value = null;
  for (const entry of entries) {
    const { format, compression, options } = await fileType(entry.name, hintsOf(target));
    await using file = await openListed(connector, entry, entries);
    const batches = format.read(fileInput(file, entry.path), {
      projections: [{ field, column: name }],
      batchRows: 65_536,
      batchBytes: 1 << 24,
      compression,
      options,
    });
    for await (const batch of batches) {
      const value = maxOf(batch, 0, field);
      if (value === null) continue;
      if (max === null || compareValues(value, max, field.dtype) > 0) max = value;
    }
    await file.check();
  }
  return max ?? undefined;
}
