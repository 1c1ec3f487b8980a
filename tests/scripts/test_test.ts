import assert from "node:assert/strict";
import { join } from "node:path";
import { judge } from "../../scripts/test.ts";
import {
  closingLine,
  countTests,
  listSkipped,
  listSlowest,
  readReport,
  type TestCase,
} from "../../scripts/test/report.ts";

const TESTS = `
Deno.test('passes <&"\u00e9', () => {});
Deno.test({ name: "ignored", ignore: true, fn() {} });
Deno.test("fails", () => { throw new Error("</testcase><testcase>"); });
Deno.test("a > b", () => {});
Deno.test("has steps", async (t) => {
  await t.step("one", () => {});
  await t.step({ name: "two", ignore: true, fn() {} });
  await t.step("three", () => { throw new Error("x"); });
});
`;

/** The JUnit report and exit code of `deno test` on one file. */
async function report(source: string): Promise<[string, number]> {
  const folder = await Deno.makeTempDir({ prefix: "dxt-test-" });
  const [file, path] = [join(folder, "a_test.ts"), join(folder, "junit.xml")];
  await Deno.writeTextFile(file, source);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["test", "--no-check", "--no-config", `--junit-path=${path}`, file],
    stdout: "null",
    stderr: "null",
  }).output();
  const xml = await Deno.readTextFile(path).catch(() => "");
  await Deno.remove(folder, { recursive: true });
  return [xml, code];
}

Deno.test("tests are counted as deno reports them, steps with their test", async () => {
  const [xml, code] = await report(TESTS);
  const counts = countTests(readReport(xml));
  assert.deepEqual(counts, {
    passed: 2,
    failed: 2,
    skipped: ["ignored", "has steps > two"],
  });
  assert.equal(closingLine(judge(counts, code, false)), "2 passed, 2 failed, 2 skipped");
});

Deno.test("a file that does not load is one failure", async () => {
  const [xml, code] = await report(`throw new Error("no");`);
  assert.equal(closingLine(judge(countTests(readReport(xml)), code, false)), "0 passed, 1 failed");
  assert.equal(closingLine(judge(countTests([]), 1, true)), "0 passed, 1 failed");
});

Deno.test("in strict mode a skipped test without a reason failed", () => {
  const counts = { passed: 1, failed: 0, skipped: ["a", "b"] };
  const impossible = [[/^b/, "needs another machine"]] as const;
  const begins = { passed: 1, failed: 0, skipped: ["a b", "ab"] };
  assert.equal(
    closingLine(judge(begins, 0, true, [[/^a /, "all that begin so"]])),
    "1 passed, 1 failed, 1 skipped",
  );
  assert.equal(closingLine(judge(counts, 0, true, impossible)), "1 passed, 1 failed, 1 skipped");
  assert.equal(closingLine(judge(counts, 0, false, impossible)), "1 passed, 0 failed, 2 skipped");
});

Deno.test("skipped tests are listed by their reasons, a few of each", () => {
  const many = Array.from({ length: 7 }, (_, i) => `b${i} (not here: needs (a) root)`);
  assert.deepEqual(listSkipped(["a > two (not here: needs Linux)", ...many, "c"]), [
    "skipped 1: needs Linux",
    "  a > two",
    "skipped 7: needs (a) root",
    ...["  b0", "  b1", "  b2", "  b3", "  b4", "  and 2 more"],
    "skipped 1: no reason is known",
    "  c",
  ]);
  assert.deepEqual(listSkipped(["d (not here: X is missing)"], { X: "no apt here" }), [
    "skipped 1: X is missing, no apt here",
    "  d",
  ]);
});

Deno.test("the slowest tests are listed, the slowest first", () => {
  const of = (name: string, seconds: number, change: Partial<TestCase> = {}): TestCase => ({
    ...{ name, seconds, file: "./tests/a_test.ts", outcome: "passed", isStep: false },
    ...change,
  });
  const cases = [of("a", 1), of("b > step", 9, { isStep: true }), of("c", 2.25), of("d", 0.5)];
  assert.deepEqual(listSlowest(cases, 2), [
    "    2.3 s  c  (tests/a_test.ts)",
    "    1.0 s  a  (tests/a_test.ts)",
  ]);
});

Deno.test("a reason in a name does not hide that a test cannot run here", () => {
  const counts = { passed: 0, failed: 0, skipped: ["x, compiled (not here: no runtime)"] };
  assert.equal(
    closingLine(judge(counts, 0, true, [[/, compiled$/, "needs a runtime"]])),
    "0 passed, 0 failed, 1 skipped",
  );
});
