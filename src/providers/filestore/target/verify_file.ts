/** Reads the records of a load back from the written file, so that they can be compared with the stage. */
import { lastRows } from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import type { FilestoreConnector } from "../../../core/contracts/connector.ts";
import type { TargetColumn, VerifiedLoad } from "../../../core/contracts/loader.ts";
import { hasSpellings } from "../../../core/values/kinds.ts";
import type { Field } from "../../../models/field.ts";
import { fieldsOfFile, SPARSE } from "../source/fields.ts";
import { columnName, fileInput, TYPED, type TypeToWrite, typeToWrite } from "../source/file.ts";
import type { FileLoadTask, FileTarget } from "./loaders.ts";

/** A file before it takes its place. */
export interface PendingFile {
  /** Where it is now. */
  readonly path: string;
  /** Its columns. */
  readonly fields: readonly Field[];
  /** Records of the file that it takes the place of; they are the first ones. */
  readonly before: number;
}

/** Verifies the records that a load adds to a file. */
export async function verifyFile(
  connector: FilestoreConnector,
  { staged, target, verify }: FileLoadTask,
  type: TypeToWrite,
  { path, fields, before }: PendingFile,
): Promise<VerifiedLoad | undefined> {
  const written = new Map(fields.map((field, i) => [field.name, { field, i }]));
  const altered = staged.fields.flatMap((field): [string, string][] => {
    const reason = describeChange(field, written.get(field.name)!.field, type);
    return reason === undefined ? [] : [[field.name, reason]];
  });
  return await verify?.({
    label: `"${target.path}"`,
    fields: staged.fields,
    altered: new Map(altered),
    async *read(wanted) {
      const projections = wanted.map((field) => {
        const column = written.get(field.name)!;
        return { field, column: columnName(column.field, column.i, type) };
      });
      const { format, compression, options } = type;
      const bounds = { batchRows: 16_384, batchBytes: 1 << 24, recycle: true };
      await using file = await connector.openRead(path);
      const request = { projections, ...bounds, compression, options };
      yield* skipRows(format.read(fileInput(file, path), request), before);
    },
  });
}

/**
 * Finds the columns of fields in the last file of a target. One whose records may omit a field has a column for
 * each, and one without a header those of their places.
 */
export async function findColumns(
  connector: FilestoreConnector,
  target: FileTarget,
  fields: readonly Field[],
): Promise<TargetColumn[]> {
  const last = (await connector.list(target)).findLast(({ size }) => size > 0);
  if (last === undefined) return [];
  const { fields: found, format } = await fieldsOfFile(connector, last, target);
  const type = await typeToWrite(last.name, target);
  return fields.flatMap((field, i) => {
    const column = columnName(field, i, type);
    const known = found.find(({ name }) => name === column);
    if (known === undefined && !SPARSE.has(format)) return [];
    const written = TYPED.has(format) ? known! : field;
    const altered = describeChange(field, written, type);
    return [{ field: field.name, column, ...(altered === undefined ? {} : { altered }) }];
  });
}

/** How a file changes the form of a field's values; undefined where they read back as they are staged. */
function describeChange(
  { dtype, element }: Field,
  written: Field,
  { format }: TypeToWrite,
): string | undefined {
  if (written.dtype !== dtype) return `the file has it as ${written.dtype}`;
  const isList = format.name === "parquet" && written.element !== undefined;
  return isList && (element === undefined || hasSpellings(element))
    ? "a list does not keep the spelling of its JSON"
    : undefined;
}

async function* skipRows(
  batches: AsyncIterable<Batch>,
  count: number,
): AsyncGenerator<Batch, void, void> {
  let left = count;
  for await (const batch of batches) {
    const added = Math.max(batch.numRows - left, 0);
    left = Math.max(left - batch.numRows, 0);
    if (added > 0) yield lastRows(batch, added);
  }
}
