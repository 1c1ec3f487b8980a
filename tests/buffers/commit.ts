// deno-lint-ignore-file no-console
/** Writes a stage of the records `from` up to `from + 20` into a folder; a process that tests kill. */
import { buildBatches } from "../../src/arrow/mod.ts";
import type { Field } from "../../src/models/field.ts";
import { stageIn } from "../support/stage.ts";

export const FIELDS: readonly Field[] = [{ name: "n", dtype: "int32", nullable: false }];
export const ROWS = 20;

export async function commit(directory: string, from: number): Promise<void> {
  const records = Array.from({ length: ROWS }, (_, i) => ({ n: from + i }));
  await stageIn(
    directory,
    { format: "csv" },
    FIELDS,
    (async function* () {
      yield* buildBatches(FIELDS, records, { rows: 5, bytes: 1e9 });
      return { rows: ROWS, evidence: "all" };
    })(),
  );
}

if (import.meta.main) {
  await commit(Deno.args[0]!, Number(Deno.args[1]));
  console.log("committed");
}
