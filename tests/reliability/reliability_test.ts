/** Few cases of each family of faults; `deno task test:reliability` runs them all. */
import assert from "node:assert/strict";
import { ignoreIf } from "../support/ignore.ts";
import { withFolder } from "../support/run.ts";
import { FAMILIES } from "./families/mod.ts";
import { formatLevels, formatTable, observe, type Outcome } from "./outcome.ts";
import { openSystems } from "./systems.ts";
import { type Case, Trial } from "./trial.ts";

for (const family of FAMILIES) {
  const missing = await family.whyMissing?.();
  Deno.test({
    ...ignoreIf(missing, `every case ends as it should: ${family.title}`),
    fn: () =>
      withFolder(async (folder) => {
        await using systems = await openSystems();
        const outcomes = await Array.fromAsync(family.run({ systems, isShort: true, folder }));
        assert.ok(outcomes.length > 0);
        assert.deepEqual(outcomes.filter(({ finding }) => finding !== "ok"), []);
      }),
  });
}

const CASE: Case = { mode: "append", source: "csv", target: "csv", exists: true, rows: 100 };

Deno.test("rows that are missing, doubled or of two versions are found", () =>
  withFolder(async (folder) => {
    await using trial = new Trial(folder, CASE);
    await trial.prepare();
    const place = await trial.place("a");
    assert.equal(await trial.checkView(), "old");
    assert.equal(await trial.run(place), 0);
    assert.equal(await trial.checkView(), "new");
    await trial.check(1, [place]);
    const path = `${folder}/out/t.csv`;
    const text = await Deno.readTextFile(path);
    const findings: Outcome["finding"][] = [];
    for (const change of [text.trimEnd().replace(/\n[^\n]*$/, "\n"), `${text}7,v7\n`]) {
      await Deno.writeTextFile(path, change);
      for (const check of [() => trial.check(1, []), () => trial.checkView().then(() => {})]) {
        findings.push((await observe("f", "c", check)).finding);
      }
    }
    assert.deepEqual(findings, ["lost", "mixed", "doubled", "mixed"]);
  }));

Deno.test("the table counts the findings of each family", () => {
  const outcome = { family: "a", case: "c", ms: 1 };
  const table = formatTable([{ name: "a", title: "Killed" }, { name: "b", title: "Unused" }], [
    { ...outcome, finding: "ok" },
    { ...outcome, finding: "lost" },
  ]);
  assert.equal(
    table,
    "| Fault | cases | lost | doubled | mixed | changed | leaked | hung | failed |\n" +
      "| --- | --: | --: | --: | --: | --: | --: | --: | --: |\n" +
      "| Killed | 2 | 1 | 0 | 0 | 0 | 0 | 0 | 0 |",
  );
});

Deno.test("a second table counts what each level of verify noticed", () => {
  const outcome = { family: "values", case: "c", finding: "ok", ms: 1 } as const;
  const proof = { fault: "a row deleted", target: "csv" };
  const table = formatLevels([
    { ...outcome, proof: { ...proof, noticed: ["full"] } },
    { ...outcome, proof: { ...proof, noticed: ["aggregates", "full"] } },
    outcome,
  ]);
  assert.equal(
    table,
    "| Fault | target | counts | aggregates | full |\n| --- | --- | --: | --: | --: |\n" +
      "| a row deleted | csv | 0 of 2 | 1 of 2 | 2 of 2 |",
  );
  assert.equal(formatLevels([outcome]), "");
});
