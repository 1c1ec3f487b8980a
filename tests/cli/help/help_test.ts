import assert from "node:assert/strict";
import { NAMES } from "../../../src/cli/command_table.ts";
import { golden } from "../../support/golden.ts";
import { dxt, fakeIO } from "../fakes.ts";

for (const command of ["", ...NAMES]) {
  Deno.test(`dxt ${command} --help is as reviewed`, async () => {
    const { code, out, err } = await dxt(`${command} --help`);
    assert.equal(code, 0);
    assert.equal(err, "");
    await golden(`help_${command || "dxt"}.txt`, out);
  });

  Deno.test(`dxt ${command} -h is the same, and fits the terminal`, async () => {
    assert.equal((await dxt(`${command} -h`)).out, (await dxt(`${command} --help`)).out);
    for (const columns of [60, 80, 200]) {
      const io = fakeIO({ isTerminal: true, columns, env: { NO_COLOR: "1" } });
      const { out } = await dxt(`${command} --help`, { io });
      // What is quoted stays together.
      const lines = out.split("\n").filter((line) => !/^ {4}"[^"]*"$/.test(line));
      assert.ok(lines.every((line) => line.length <= Math.min(columns, 100)), out);
      assert.ok(lines.every((line) => !line.endsWith(" ")), out);
    }
  });

  Deno.test(`examples of dxt ${command} are the same commands in a narrow terminal`, async () => {
    const [narrow, wide] = await Promise.all([40, 100].map(async (columns) => {
      const io = fakeIO({ isTerminal: true, columns, env: { NO_COLOR: "1" } });
      const { out } = await dxt(`${command} --help`, { io });
      return out.split("\nExamples:\n")[1]?.replaceAll(" \\\n    ", " ");
    }));
    assert.equal(narrow, wide);
    assert.equal(wide?.split("\n").every((line) => /^( {2}\S|$)/.test(line)) ?? true, true, wide);
  });
}

Deno.test("in a narrow terminal the meaning of an exit code is indented", async () => {
  const io = fakeIO({ isTerminal: true, columns: 60, env: { NO_COLOR: "1" } });
  const { out } = await dxt("--help", { io });
  assert.match(out, /^ {2}4 {4}verification failed: .*\n {7}agree$/m);
});

Deno.test("help of a command tells its description, its options and examples", async () => {
  for (const command of NAMES) {
    const { out } = await dxt(`${command} --help`);
    assert.match(out, new RegExp(`^Usage: dxt ${command}( |$)`, "m"));
    assert.match(out, /^Options:$/m);
    assert.match(out, /--output FORMAT/);
    assert.match(out, new RegExp(`^Examples:\n  dxt ${command} `, "m"));
  }
});

Deno.test("dxt --version prints the version alone", async () => {
  assert.deepEqual(await dxt("--version"), { code: 0, out: "1.2.3\n", err: "" });
  assert.deepEqual(await dxt("-V"), { code: 0, out: "1.2.3\n", err: "" });
});

Deno.test("help and version are words too", async () => {
  assert.deepEqual(await dxt("help"), await dxt("--help"));
  assert.deepEqual(await dxt("help run"), await dxt("run --help"));
  assert.deepEqual(await dxt("version"), await dxt("--version"));
  const document = { code: 0, out: '{"version":"1.2.3"}\n', err: "" };
  for (const args of ["version -o json", "--version -o ndjson", "-V -q"]) {
    assert.deepEqual(await dxt(args), document, args);
  }
});

Deno.test("dxt without arguments prints its help as an error", async () => {
  const help = (await dxt("--help")).out;
  assert.deepEqual(await dxt(""), { code: 2, out: "", err: help });
});

/** Arguments, what is wrong with them, whose help is pointed to. */
const WRONG: readonly [string, string, string][] = [
  ["rnu a.yaml", 'Unknown command "rnu", did you mean "run"', "dxt"],
  ["lsit a.yaml", 'Unknown command "lsit", did you mean "list"', "dxt"],
  [
    "frobnicate",
    `Unknown command "frobnicate", known are ${NAMES.join(", ")}`,
    "dxt",
  ],
  ["--versoin", 'Unknown option "--versoin", did you mean "--version"', "dxt"],
  ["run a.yaml --selct x", 'Unknown option "--selct", did you mean "--select"', "dxt run"],
  ["run a.yaml --fail-fsat", 'Unknown option "--fail-fsat", did you mean "--fail-fast"', "dxt run"],
  ["load a.yaml --full-refresh", 'Unknown option "--full-refresh"', "dxt load"],
  [
    "--quiet run a.yaml",
    'Unexpected option "--quiet": options come after the command',
    "dxt",
  ],
  ["run a.yaml --zzzzzz", 'Unknown option "--zzzzzz"', "dxt run"],
  ["run a.yaml b.yaml", 'Unexpected argument "b.yaml"', "dxt run"],
  [
    "run",
    "Cannot run: expected a PIPELINE, or --from and --to",
    "dxt run",
  ],
  [
    "validate",
    "Cannot understand the command line: expected a PIPELINE, but too few arguments",
    "dxt validate",
  ],
  [
    "run a.yaml --select",
    "Cannot understand the command line: --select requires SELECTOR",
    "dxt run",
  ],
  [
    "list a.yaml -s x -s y",
    "Cannot understand the command line: -s cannot be used multiple times",
    "dxt list",
  ],
  [
    "run a.yaml --var NAME",
    'Cannot understand the command line: --var: expected NAME=VALUE, the "=" is missing',
    "dxt run",
  ],
];

for (const [args, message, program] of WRONG) {
  Deno.test(`dxt ${args}: ${message}`, async () => {
    const { code, out, err } = await dxt(args);
    assert.equal(code, 2);
    assert.equal(out !== "", args.includes("--quiet"), "a JSON document, if asked for");
    assert.equal(err, `error: ${message}\nRun "${program} --help" for usage\n`);
  });
}

Deno.test("a hostile argument cannot steer the terminal", async () => {
  const { err } = await dxt("run a.yaml --\u001b[2J\u202e");
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(err.replaceAll("\n", ""), /[\u0000-\u001f\u202e]/);
});
