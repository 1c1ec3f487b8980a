/** stdin and stdout as source and target of a run. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { withFolder } from "../../support/run.ts";
import { dxt, fakeIO } from "../fakes.ts";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));
const CSV = "id,name\n1,one\n2,\n";

function start(folder: string, args: readonly string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--no-check", MAIN, ...args],
    cwd: folder,
    env: { NO_COLOR: "1" },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

interface Piped {
  readonly code: number;
  readonly out: Uint8Array<ArrayBuffer>;
  readonly err: string;
}

/** Runs dxt with this stdin. */
async function pipe(
  folder: string,
  input: string | Uint8Array<ArrayBuffer>,
  ...args: string[]
): Promise<Piped> {
  const child = start(folder, args);
  const [{ code, stdout, stderr }] = await Promise.all([
    child.output(),
    // dxt closes its stdin when it refuses the command line.
    new Blob([input]).stream().pipeTo(child.stdin).catch(() => {}),
  ]);
  return { code, out: stdout, err: new TextDecoder().decode(stderr) };
}

const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("stdin goes into a table, and the table to stdout, which has nothing else", () =>
  withFolder(async (folder) => {
    const into = await pipe(folder, CSV, "run", "--from", "-", "--format", "csv", "--to", "w.db");
    assert.equal(into.code, 0, into.err);
    const from = ["run", "--from", "w.db", "--source", "stdin", "--to", "-"];
    for (const more of [[], ["--format", "csv", "-v"], ["-q"], ["-qq"], ["-o", "ndjson"]]) {
      const { code, out, err } = await pipe(folder, "", ...from, ...more);
      assert.equal(code, 0, err);
      assert.equal(textOf(out), CSV);
      if (more[0] === "-qq") assert.equal(err, "");
      if (more[0] === "-q") assert.equal(JSON.parse(err).streams[0].rows_loaded, 2);
    }
    assert.deepEqual(await names(folder), ["w.db"]);
  }));

Deno.test("records keep their values through each format and compression of a pipe", () =>
  withFolder(async (folder) => {
    for (const format of ["tsv", "json", "jsonl.zst", "csv.gz", "parquet", "arrow"]) {
      const there = ["run", "--from", "-", "--to", "-", "--format"];
      const middle = await pipe(folder, CSV, ...there, `csv,${format}`);
      assert.equal(middle.code, 0, middle.err);
      const { code, out, err } = await pipe(folder, middle.out, ...there, `${format},csv`);
      assert.equal(code, 0, err);
      assert.equal(textOf(out), CSV, format);
    }
  }));

Deno.test("two runs form a pipe in one folder, and leave nothing but the target", () =>
  withFolder(async (folder) => {
    await Deno.writeTextFile(join(folder, "x.csv"), CSV);
    const first = start(folder, ["run", "--from", "x.csv", "--to", "-", "--format", "parquet"]);
    const second = start(folder, ["run", "--from", "-", "--format", "parquet", "--to", "y.csv"]);
    const [, read, written] = await Promise.all([
      first.stdin.close(),
      first.stdout.pipeTo(second.stdin).then(() => first.status),
      second.output(),
      new Response(first.stderr).text(),
    ]);
    assert.equal(read.code, 0);
    assert.equal(written.code, 0, textOf(written.stderr));
    assert.equal(await Deno.readTextFile(join(folder, "y.csv")), CSV);
    assert.deepEqual(await names(folder), ["x.csv", "y.csv"]);
  }));

Deno.test("a run that fails writes nothing to stdout", () =>
  withFolder(async (folder) => {
    const broken = `${"id\n".padEnd(300_000, "1\n")}"no end`;
    const args = ["run", "--from", "-", "--format", "csv", "--to", "-"];
    const { code, out, err } = await pipe(folder, broken, ...args);
    assert.equal(code, 1, err);
    assert.equal(out.length, 0);
    assert.match(err, /in "stdin\.csv"/);
    assert.deepEqual(await names(folder), []);
  }));

Deno.test("a reader that closes stdout early ends the run quietly", () =>
  withFolder(async (folder) => {
    const child = start(folder, ["run", "--from", "-", "--format", "csv", "--to", "-"]);
    const rows = Array.from({ length: 200_000 }, (_, i) => `${i}\n`).join("");
    const feed = new Blob([`id\n${rows}`]).stream().pipeTo(child.stdin);
    const reader = child.stdout.getReader();
    const { value } = await reader.read();
    assert.match(textOf(value!), /^id\n0\n/);
    await reader.cancel();
    const [{ code }, err] = await Promise.all([child.status, new Response(child.stderr).text()]);
    await feed;
    assert.equal(code, 0, err);
    assert.doesNotMatch(err, /error|pipe/i);
    assert.deepEqual(await names(folder), []);
  }));

Deno.test("a signal ends the wait for stdin, and leaves nothing", () =>
  withFolder(async (folder) => {
    const child = start(folder, ["run", "--from", "-", "--format", "csv", "--to", "w.db"]);
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(CSV));
    while (!(await names(folder)).includes(".dxt")) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    child.kill("SIGTERM");
    const { code } = await child.status;
    assert.equal(code, 143);
    await Promise.all([child.stdout.cancel(), child.stderr.cancel(), writer.abort()]);
    assert.deepEqual(await names(folder), []);
  }));

Deno.test("a plan and a test of a pipe print their result to stdout, and write no records", () =>
  withFolder(async (folder) => {
    const ends = ["--from", "-", "--to", "-", "--format", "csv,parquet"];
    const plan = await pipe(folder, CSV, "plan", ...ends);
    assert.match(textOf(plan.out), /target +new: stdout\.parquet/, plan.err);
    const dryRun = await pipe(folder, CSV, "run", "--dry-run", ...ends);
    assert.equal(textOf(dryRun.out), textOf(plan.out));
    const test = await pipe(folder, CSV, "test", ...ends);
    assert.match(textOf(test.out), /ok +write +stdin: replace file "stdout\.parquet"/, test.err);
    assert.deepEqual(await names(folder), []);
  }));

const WRONG: readonly [string, RegExp, boolean?][] = [
  ["run --from - --to w.db", /Cannot read stdin: its format is unknown, expected --format csv,/],
  ["run --from - --to w.db --format xml", /Cannot use --format "xml": expected csv, tsv, json,/],
  ["run --from - --to w.db --format csv,json", /Cannot use --format "csv,json": expected csv,/],
  ["run --from - --to - --format a,b,c", /; or one of stdin and one of stdout, as in csv,parquet/],
  ["run --from x.csv --to w.db --format csv", /Cannot use --format "csv": .* expected --from - or/],
  ["run p.yaml --format csv", /Cannot run "p.yaml" with --format/],
  ["run --from - --to w.db --format csv", /Cannot read stdin: it is a terminal, expected/, true],
  ["run --from x.db --to - --format arrow", /Cannot write arrow to stdout: it is a terminal/, true],
  ["run --from x.db --to - --format csv.gz", /Cannot write csv.gz to stdout: it is a term/, true],
];

Deno.test("a pipe without a format, and a terminal in its place, are refused", async () => {
  for (const [args, message, isTerminal = false] of WRONG) {
    const { code, out, err } = await dxt(args, { io: fakeIO({ isTerminal }) });
    assert.match(err, message, args);
    assert.equal(code, 2);
    assert.equal(out, "");
  }
});

Deno.test("a condition on a piped table selects its records", () =>
  withFolder(async (folder) => {
    using database = new DatabaseSync(join(folder, "w.db"));
    database.exec(
      "CREATE TABLE t (id INTEGER, name TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b')",
    );
    const args = ["run", "--from", "w.db", "--source", "t", "--where", "id > 1", "--to", "-"];
    const { out, err } = await pipe(folder, "", ...args, "--columns", "name", "--format", "json");
    assert.deepEqual(JSON.parse(textOf(out)), [{ name: "b" }], err);
  }));

Deno.test("runs through pipes do not wait for each other, and leave nothing", () =>
  withFolder(async (folder) => {
    const into = (name: string) =>
      start(folder, ["run", "--from", "-", "--format", "csv", "--to", name]);
    const [first, second] = [into("first.json"), into("second.json")];
    for (const { stdin } of [first, second]) {
      const writer = stdin.getWriter();
      await writer.write(new TextEncoder().encode(CSV));
      await writer.close();
    }
    for (const { code, stderr } of await Promise.all([first.output(), second.output()])) {
      assert.equal(code, 0, textOf(stderr));
    }
    assert.deepEqual(await names(folder), ["first.json", "second.json"]);
  }));

Deno.test("the next run removes what a killed one left, and nothing of a run that goes on", () =>
  withFolder(async (folder) => {
    const args = ["run", "--from", "-", "--format", "csv", "--to", "w.db"];
    const around = join(folder, ".dxt");
    const folders = async () =>
      (await names(around).catch(() => [])).filter((name) => name.startsWith("pipe-"));
    const begin = async () => {
      const before = await folders();
      const child = start(folder, args);
      while (true) {
        const [added] = (await folders()).filter((name) => !before.includes(name));
        if (added !== undefined) return { child, added };
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    const killed = await begin();
    killed.child.kill("SIGKILL");
    await killed.child.output();
    assert.deepEqual(await folders(), [killed.added]);
    const going = await begin();
    const next = await pipe(folder, CSV, ...args);
    assert.equal(next.code, 0, next.err);
    assert.deepEqual(await folders(), [going.added]);
    const writer = going.child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(CSV));
    await writer.close();
    assert.equal((await going.child.output()).code, 0);
    assert.deepEqual(await names(folder), ["w.db"]);
  }));
