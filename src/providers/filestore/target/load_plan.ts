/** Plans a load into files. */
import type { FieldConversion } from "../../../core/values/conversion.ts";
import type { FileEntry, FilestoreConnector } from "../../../core/contracts/connector.ts";
import { DXTError } from "../../../core/errors.ts";
import type { LoadPlan, PlannedLoad } from "../../../core/contracts/loader.ts";
import type { Field } from "../../../models/field.ts";
import { typeInFile } from "./conversion.ts";
import { fieldsOfFile, type FileFields } from "../source/fields.ts";
import { isOpen } from "./file_fields.ts";
import { type TypeToWrite, typeToWrite } from "../source/file.ts";
import { matchColumns } from "./column_match.ts";
import { type FileTarget, refuseTarget } from "./loaders.ts";
import { refuseOtherFiles } from "./load_folder.ts";

/** Returns a plan without statements: each file appears at once, under its name. */
export async function planLoad(
  connector: FilestoreConnector,
  load: PlannedLoad,
): Promise<LoadPlan> {
  const { mode, target } = refuseTarget(load);
  const { problems: missing } = await connector.checkWrite(target, mode);
  const entries = await connector.list(target);
  const exists = entries.length > 0;
  const destructive = mode === "replace" && exists ? [describeReplaced(target, entries)] : [];
  const base = { exists, statements: [], destructive };
  if (load.staged.kind === "files") return { ...base, columns: [], problems: missing };
  const isFile = target.type === "file";
  const name = isFile ? target.path : `part.${target.format ?? "parquet"}`;
  const type = await typeToWrite(name, target);
  const { fields } = load.staged;
  const columns = fields.map((field): FieldConversion => ({
    field,
    ...typeInFile(field, type.format.name),
  }));
  const problems = await collectProblems(async () => {
    if (mode === "append") await checkExisting(connector, target, entries.at(-1), fields, type);
    else if (!isFile) await refuseOtherFiles(connector, target.path, type);
  });
  return { ...base, columns, problems: [...missing, ...problems] };
}

async function collectProblems(work: () => Promise<void>): Promise<string[]> {
  try {
    await work();
    return [];
  } catch (error) {
    if (error instanceof DXTError) return [error.message];
    throw error;
  }
}

/** @throws {SchemaError} when the fields do not match the last existing file */
async function checkExisting(
  connector: FilestoreConnector,
  target: FileTarget,
  last: FileEntry | undefined,
  fields: readonly Field[],
  type: TypeToWrite,
): Promise<void> {
  if (last === undefined || last.size === 0) return;
  const existing = await fieldsOfFile(connector, last, target);
  matchColumns(existing, fields.map((field) => withExistingType(field, existing, type)), type);
}

/** Gives an unbounded number the decimal type of its column, which its values may fit. */
function withExistingType(field: Field, { fields }: FileFields, { format }: TypeToWrite): Field {
  const column = fields.find(({ name }) => name === field.name);
  if (!isOpen(field, format.name) || column?.dtype !== "decimal") return field;
  const { dtype, precision, scale } = column;
  return { ...field, dtype, ...(precision === undefined ? {} : { precision, scale }) };
}

function describeReplaced({ type, path }: FileTarget, entries: readonly FileEntry[]): string {
  const bytes = entries.reduce((sum, { size }) => sum + size, 0);
  const files = entries.length === 1 ? "1 file" : `${entries.length} files`;
  return type === "file"
    ? `file "${path}" of ${bytes} bytes is replaced`
    : `${files} of folder "${path}" with ${bytes} bytes are deleted`;
}
