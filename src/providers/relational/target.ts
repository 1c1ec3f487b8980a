/** What a load must be before its table is looked at, and the key of a table that it makes. */
import { LoaderError, SchemaError } from "../../core/errors.ts";
import type { PlannedLoad } from "../../core/contracts/loader.ts";
import type { Dialect } from "./contract.ts";
import { refuseLongNames } from "./names.ts";

/**
 * Refuses missing upsert keys, and names that the target cannot tell apart or would cut. Called before
 * each plan and load, without a connection.
 */
export function checkLoadTask(task: PlannedLoad, dialect: Dialect): void {
  const { fields } = task.staged;
  const seen = new Map<string, string>();
  for (const { name } of fields) {
    const folded = dialect.foldName(name);
    const other = seen.get(folded);
    if (other !== undefined) {
      throw new SchemaError(
        `Cannot load fields "${other}" and "${name}": the target cannot tell their names apart`,
      );
    }
    seen.set(folded, name);
  }
  for (const key of task.upsertKeys) {
    if (!fields.some((field) => field.name === key)) {
      throw new LoaderError(
        `Cannot upsert by "${key}": no such field, staged are ${
          fields.map((field) => `"${field.name}"`).join(", ")
        }`,
      );
    }
  }
  refuseLongNames(task, dialect);
}

/**
 * Primary key of a table that a load creates: the upsert keys, or the source's key where the table
 * is replaced. Appended records of the same key are several records.
 */
export function keyOfNewTable({ mode, upsertKeys, staged }: PlannedLoad): readonly string[] {
  if (mode === "append") return [];
  if (mode === "upsert") return upsertKeys;
  return staged.fields.filter(({ key }) => key === true).map(({ name }) => name);
}
