/** The highest watermark of files. */
import { maxOf } from "../../arrow/mod.ts";
import type { FilestoreConnector } from "../../core/connector.ts";
import { SchemaError } from "../../core/errors.ts";
import { refuseStaleRange } from "../../core/loader.ts";
import { compareValues, type Value } from "../../core/values.ts";
import type { Field } from "../../models/field.ts";
import { fieldsOfFile, type FileFields, isTyped, mergeFields } from "./fields.ts";
import { fileInput, fileType, hintsOf, openListed } from "./file.ts";
import type { FileLoadTask, FileTarget } from "./load.ts";

/**
 * To be called while the target is locked.
 *
 * @throws {StaleRangeError} when rows came since the range to read was made from the target
 */
export async function refuseStale(
  connector: FilestoreConnector,
  task: FileLoadTask,
): Promise<void> {
  const { expected, target } = task;
  if (expected === undefined) return;
  refuseStaleRange(task, await maxWatermark(connector, target, expected.field, expected.as));
}

/** Highest value of a field over the target's files, read with that one column. */
export async function maxWatermark(
  connector: FilestoreConnector,
  target: FileTarget,
  name: string,
  as: Field | undefined,
): Promise<Exclude<Value, null> | undefined> {
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
