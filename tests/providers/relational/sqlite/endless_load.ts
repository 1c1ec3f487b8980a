/** A load that does not end, to be killed: says on standard output when it has written much. */
import { buildBatches } from "../../../../src/arrow/mod.ts";
import { stagedOf } from "../../../support/staged.ts";
import { Database, field } from "./support.ts";

const FIELDS = [field("id", "int64")];
const database = new Database(Deno.args[0]!);

async function* endless() {
  for (let n = 0;; n++) {
    const records = Array.from({ length: 50_000 }, (_, i) => ({ id: BigInt(i) }));
    yield* buildBatches(FIELDS, records, { rows: 50_000, bytes: 1 << 24 });
    if (n === 20) await Deno.stdout.write(new TextEncoder().encode("written\n"));
  }
}

await database.loader.load({
  target: { type: "relation", name: "t" },
  staged: { ...stagedOf(FIELDS, []), readBatches: endless },
  mode: "replace",
  upsertKeys: [],
  signal: new AbortController().signal,
});
