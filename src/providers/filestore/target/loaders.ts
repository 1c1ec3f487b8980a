/** The loader of all filestores: chooses how staged data is written. */
import type { FilestoreConnector } from "../../../core/contracts/connector.ts";
import { typeText } from "../../../core/values/conversion.ts";
import { ConfigurationError, LoaderError } from "../../../core/errors.ts";
import {
  type CommitRecord,
  describeLoad,
  type Loader,
  type LoadOutcome,
  type LoadReceipt,
  type LoadTask,
  type PlannedLoad,
} from "../../../core/contracts/loader.ts";
import type { StreamTarget } from "../../../models/source.ts";
import { copyFiles } from "./copy_files.ts";
import { findOutcome } from "./load_commit.ts";
import { loadRecordFile } from "./load_file.ts";
import { loadRecordFolder } from "./load_folder.ts";
import { planLoad } from "./load_plan.ts";
import { maxWatermark } from "../max_watermark.ts";
import { findColumns } from "./verify_file.ts";

/** Targets of a filestore. */
export type FileTarget = Extract<StreamTarget, { type: "file" | "directory" }>;

/** A load of records or files into a file or a folder. */
export interface FileLoadTask extends LoadTask {
  readonly target: FileTarget;
  readonly mode: "append" | "replace";
}

/** Writes staged records in any format, and staged files unchanged. */
export function fileLoader(connector: FilestoreConnector): Loader {
  return {
    load: (task) => load(connector, task),
    plan: (task) => planLoad(connector, task),
    getMaxWatermark: (target, field, query = {}) =>
      maxWatermark(connector, { target: fileTarget(target), field, ...query }),
    findColumns: (target, fields) => findColumns(connector, fileTarget(target), fields),
  };
}

/** Determines the outcome of a load from its record. */
export function fileOutcome(
  connector: FilestoreConnector,
  target: StreamTarget,
  record: CommitRecord,
): Promise<LoadOutcome> {
  return findOutcome(connector, fileTarget(target), record);
}

async function load(connector: FilestoreConnector, task: LoadTask): Promise<LoadReceipt> {
  task.signal.throwIfAborted();
  const own: FileLoadTask = { ...task, ...refuseTarget(task) };
  if (task.staged.kind === "files") return await copyFiles(connector, own);
  return own.target.type === "file"
    ? await loadRecordFile(connector, own)
    : await loadRecordFolder(connector, own);
}

/**
 * Returns mode and target of a load.
 *
 * @throws {DXTError} for a load that files never support
 */
export function refuseTarget(task: PlannedLoad): Pick<FileLoadTask, "mode" | "target"> {
  const { mode } = task;
  if (mode === "upsert" || mode === "scd2") {
    throw new LoaderError(
      `Cannot ${
        describeLoad(mode, "files")
      }: they have no keys, expected load mode append or replace`,
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

/** Files only have dxt's types; any other target type would be ignored silently. */
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
