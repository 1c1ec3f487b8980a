// deno-lint-ignore-file no-console -- a script prints
/**
 * Breaks runs in every way that the suite knows, many times:
 *
 *     deno task test:reliability [--short] [--out FILE] [FAMILY]...
 *
 * Prints a line of JSON for each case that is not ok, and a table at the end; FILE gets the lines of
 * all cases. Ends with 1 when a case is not ok.
 */
import { parseArgs } from "node:util";
import { FAMILIES } from "./families/mod.ts";
import { formatLevels, formatTable, type Outcome } from "./outcome.ts";
import { openSystems } from "./systems.ts";

const { values, positionals } = parseArgs({
  options: { short: { type: "boolean", default: false }, out: { type: "string" } },
  allowPositionals: true,
});

const unknown = positionals.find((name) => !FAMILIES.some((family) => family.name === name));
if (unknown !== undefined) {
  const names = FAMILIES.map(({ name }) => name).join(", ");
  throw new Error(`Cannot run "${unknown}": no such family, expected ${names}`);
}
const chosen = FAMILIES.filter(({ name }) =>
  positionals.length === 0 || positionals.includes(name)
);
const folder = await Deno.makeTempDir({ prefix: "dxt-reliability-" });
await using systems = await openSystems();
const outcomes: Outcome[] = [];
for (const family of chosen) {
  const missing = await family.whyMissing?.();
  if (missing !== undefined) {
    console.error(`${family.name}: ignored, ${missing}`);
    continue;
  }
  for await (const outcome of family.run({ systems, isShort: values.short, folder })) {
    outcomes.push(outcome);
    const line = JSON.stringify(outcome);
    if (values.out !== undefined) {
      await Deno.writeTextFile(values.out, `${line}\n`, { append: true });
    }
    if (outcome.finding !== "ok") console.log(line);
    if (outcomes.length % 100 === 0) console.error(`${outcomes.length} cases, ${family.name}`);
  }
}
console.log(`\n${formatTable(chosen, outcomes)}`);
const levels = formatLevels(outcomes);
if (levels !== "") console.log(`\n${levels}`);
const wrong = outcomes.filter(({ finding }) => finding !== "ok").length;
if (wrong === 0) await Deno.remove(folder, { recursive: true });
else console.error(`${wrong} cases are not ok; what they left is in ${folder}`);
Deno.exitCode = wrong === 0 ? 0 : 1;
