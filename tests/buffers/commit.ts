// deno-lint-ignore-file no-console
/** Writes a stage of the records `from` up to `from + 20` into a folder; a process that tests kill. */
import { batchesOf } from "../../src/arrow/mod.ts";
import { openBuffer } from "../../src/buffers/mod.ts";
import type { Field } from "../../src/models/field.ts";

export const FIELDS: readonly Field[] = [{ name: "n", dtype: "int32", nullable: false }];
export const ROWS = 20;

export async function commit(directory: string, from: number): Promise<void> {
  const buffer = await openBuffer({ format: "csv" }, directory);
  const records = Array.from({ length: ROWS }, (_, i) => ({ n: from + i }));
  await buffer.write(
    FIELDS,
    (async function* () {
      yield* batchesOf(FIELDS, records, { rows: 5, bytes: 1e9 });
      return { rows: ROWS, evidence: "all" };
    })(),
    () => ({ pipeline: "p", stream: "s", run_id: "r", source: null }),
  );
}

if (import.meta.main) {
  await commit(Deno.args[0]!, Number(Deno.args[1]));
  console.log("committed");
}
