/** `dxt status` and `dxt clean`, as whole processes, some of which are killed. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { withFolder } from "../../support/run.ts";
import { type Ended, program } from "../program.ts";

const MAIN = fileURLToPath(new URL("../../../main.ts", import.meta.url));

const PIPELINE = {
  version: 1,
  name: "shop",
  source: { provider: "local" },
  target: { provider: "sqlite", path: "w.db" },
  streams: [{ id: "orders", source: "orders.csv", load: { mode: "append" } }],
};

/** A folder with a pipeline, in which commands are run. */
async function withPipeline(
  work: (folder: string, dxt: (command: string) => Promise<Ended>) => Promise<void>,
  pipeline: Readonly<Record<string, unknown>> = PIPELINE,
): Promise<void> {
  await withFolder(async (made) => {
    const folder = await Deno.realPath(made);
    await Deno.writeTextFile(join(folder, "shop.yaml"), JSON.stringify(pipeline));
    await Deno.writeTextFile(join(folder, "orders.csv"), "id\n1\n2\n3\n");
    await work(folder, (command) => program(folder, command.split(" ")));
  });
}

// deno-lint-ignore no-explicit-any
const entriesOf = ({ out }: Ended): any[] => JSON.parse(out).entries;
const hasStages = (folder: string) => Deno.stat(join(folder, ".dxt")).then(() => true, () => false);

Deno.test("a complete stage is shown with the command that loads it, and removed only when told so", () =>
  withPipeline(async (folder, dxt) => {
    assert.match((await dxt("status shop.yaml")).err, /no run keeps or left anything/);
    await dxt("extract shop.yaml -q");
    const status = await dxt("status shop.yaml -q");
    const [entry, ...more] = entriesOf(status);
    const { changed, bytes, ...rest } = entry;
    assert.deepEqual([status.code, status.err, more], [0, "", []]);
    assert.ok(Math.abs(Date.now() - Date.parse(changed)) < 60_000 && bytes > 0);
    assert.deepEqual(rest, {
      kind: "stage",
      state: "staged",
      place: join(folder, ".dxt/stage/shop/orders"),
      pipeline: "shop",
      stream: "orders",
      rows: 3,
      command: "dxt load shop.yaml --select orders",
    });
    assert.deepEqual(
      entriesOf(await dxt("clean shop.yaml --yes -q")).map((
        { action, reason },
      ) => [action, reason]),
      [["kept", "it can be loaded; --staged removes it"]],
    );
    const listed = await dxt("clean shop.yaml --staged");
    assert.match(listed.out, /shop\/orders .* 3 .* would be removed/);
    assert.match(listed.err, /1 of 1 would be removed, .*; --yes removes them/);
    assert.ok(await hasStages(folder));
    assert.match((await dxt("clean shop.yaml --staged --yes")).err, /1 of 1 removed/);
    assert.ok(!await hasStages(folder));
  }));

Deno.test("without a pipeline, the stages of a folder and of the folders in it are shown", () =>
  withPipeline(async (folder, dxt) => {
    await Deno.mkdir(join(folder, "sub"));
    await Deno.copyFile(join(folder, "shop.yaml"), join(folder, "sub/shop.yaml"));
    await Deno.copyFile(join(folder, "orders.csv"), join(folder, "sub/orders.csv"));
    for (const path of ["shop.yaml", "sub/shop.yaml"]) await dxt(`extract ${path} -q`);
    assert.deepEqual(
      entriesOf(await dxt("status -q")).map(({ place, command }) => [place, command]),
      ["", "sub/"].map((name) => [
        join(folder, name, ".dxt/stage/shop/orders"),
        "dxt load PIPELINE --select orders",
      ]),
    );
    const { code, err } = await dxt("clean --allow-write=sub --yes");
    assert.equal(code, 2);
    assert.match(err, /write ".*" for its stages: add it to --allow-write/);
    assert.equal((await dxt("clean --staged --yes -q")).code, 0);
    assert.ok(!await hasStages(folder) && !await hasStages(join(folder, "sub")));
  }));

/** Starts a server whose file ends only with the server. */
function serveEndlessly(): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => {
    const rows = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const lines = Array.from({ length: 2000 }, (_, i) => `${i},${"x".repeat(20)}`);
        controller.enqueue(new TextEncoder().encode(`${lines.join("\n")}\n`));
        await new Promise((resolve) => setTimeout(resolve, 20));
      },
    });
    return new Response(rows, { headers: { "content-type": "text/csv" } });
  });
}

Deno.test("a run that lives is left alone; what it leaves when it is killed is removed", async () => {
  const server = serveEndlessly();
  const url = `http://127.0.0.1:${server.addr.port}/`;
  await withPipeline(async (folder, dxt) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-prompt", "--no-check", MAIN, "extract", "shop.yaml", "-q"],
      cwd: folder,
      stdout: "null",
      stderr: "null",
    }).spawn();
    const findCopies = async () => {
      const copies = join(folder, ".dxt/http");
      return (await Array.fromAsync(Deno.readDir(copies)).catch(() => [])).length === 2;
    };
    while (!await findCopies()) await new Promise((resolve) => setTimeout(resolve, 20));
    try {
      const used = entriesOf(await dxt("status shop.yaml -q"));
      assert.deepEqual(used.map(({ kind, state, command }) => [kind, state, command]), [
        ["stage", "in use", undefined],
        ["folder", "in use", undefined],
      ]);
      assert.equal(used[0].held_by.pid, child.pid);
      assert.deepEqual(
        entriesOf(await dxt("clean shop.yaml --staged --in-doubt --yes -q"))
          .map(({ action, reason }) => [action, reason]),
        [["kept", "a run uses it"], ["kept", "a run uses it"]],
      );
      assert.ok(await findCopies());
    } finally {
      child.kill("SIGKILL");
      await child.status;
    }
    const left = entriesOf(await dxt("status shop.yaml -q"));
    assert.deepEqual(left.map(({ kind, state, command }) => [kind, state, command]), [
      ["stage", "incomplete", "dxt clean shop.yaml --yes"],
      ["folder", "abandoned", "dxt clean shop.yaml --yes"],
    ]);
    assert.ok(left[1].bytes > 10_000);
    assert.deepEqual(
      entriesOf(await dxt("clean shop.yaml --older-than 1h --yes -q")).map(({ reason }) => reason),
      ["it is younger", "it is younger"],
    );
    assert.match((await dxt("clean shop.yaml --older-than 0s")).err, /2 of 2 would be removed/);
    assert.match((await dxt("clean shop.yaml --yes")).err, /2 of 2 removed/);
    assert.ok(!await hasStages(folder));
  }, {
    ...PIPELINE,
    source: { provider: "http", url },
    streams: [{ id: "orders", source: "orders.csv" }],
  });
  await server.shutdown();
});

/** Leaves the record that a run leaves which was killed while it appended three rows. */
async function leavePending(folder: string): Promise<void> {
  const load = {
    version: 1,
    run_id: "4f1c",
    at: "2026-01-31T12:00:00Z",
    source: { type: "file", path: "orders.csv" },
    target: { type: "relation", name: "orders" },
    rows: 3,
    record: { of: "rows", change: { before: "0", after: "3" } },
  };
  const path = join(folder, ".dxt/stage/shop/.orders.pending.json");
  await Deno.writeTextFile(path, JSON.stringify(load));
}

Deno.test("of a load in doubt the target is asked, and it is removed only when told so", () =>
  withPipeline(async (folder, dxt) => {
    await dxt("extract shop.yaml -q");
    await leavePending(folder);
    const show = async () => {
      const [{ state, outcome, command }] = entriesOf(await dxt("status shop.yaml -q"));
      return [state, outcome, command];
    };
    const load = "dxt load shop.yaml --select orders";
    assert.deepEqual(await show(), ["in doubt", "aborted", load]);
    assert.match((await dxt("status shop.yaml")).out, /the target did not take it: dxt load shop/);
    {
      using database = new DatabaseSync(join(folder, "w.db"));
      database.exec("CREATE TABLE orders (id INTEGER); INSERT INTO orders VALUES (1), (2), (3)");
    }
    assert.deepEqual(await show(), ["in doubt", "committed", load]);
    {
      using database = new DatabaseSync(join(folder, "w.db"));
      database.exec("INSERT INTO orders VALUES (4)");
    }
    assert.deepEqual(await show(), ["in doubt", "unknown", load]);
    const [kept] = entriesOf(await dxt("clean shop.yaml --staged --yes -q"));
    assert.deepEqual(
      [kept.action, kept.reason],
      ["kept", "dxt load asks the target; --in-doubt removes it"],
    );
    assert.match((await dxt("clean shop.yaml --in-doubt --yes")).err, /1 of 1 removed/);
    assert.ok(!await hasStages(folder));
  }));

Deno.test("a target that cannot be reached is reported, and stages are shown all the same", () =>
  withPipeline(async (folder, dxt) => {
    await dxt("extract shop.yaml -q");
    const unreachable = { ...PIPELINE, target: "postgres://me@127.0.0.1:1/shop" };
    await Deno.writeTextFile(join(folder, "shop.yaml"), JSON.stringify(unreachable));
    const status = await dxt("status shop.yaml -q");
    assert.equal(status.code, 1);
    assert.equal(entriesOf(status)[0].state, "staged");
    const [problem, ...more] = JSON.parse(status.out).problems;
    assert.match(problem, /^Cannot ask postgres: Cannot connect/);
    assert.deepEqual(more, []);
    assert.equal((await dxt("clean shop.yaml -q")).code, 1);
  }));

Deno.test("stages of a wildcard are shown, also when its source is gone", () =>
  withPipeline(async (folder, dxt) => {
    {
      using database = new DatabaseSync(join(folder, "in.db"));
      database.exec("CREATE TABLE a (id INTEGER); CREATE TABLE b (id INTEGER)");
    }
    await dxt("extract shop.yaml -q");
    const states = (ended: Ended) =>
      entriesOf(ended).map(({ stream, state, command }) => [stream, state, command]);
    const found = ["a", "b"].map((name) => [
      name,
      "staged",
      `dxt load shop.yaml --select ${name}`,
    ]);
    const status = await dxt("status shop.yaml -q");
    assert.deepEqual([status.code, states(status)], [0, found]);
    const refused = await dxt("status shop.yaml --allow-read=.dxt,w.db,w.db-journal");
    assert.equal(refused.code, 2);
    assert.match(refused.err, /read ".*in.db" for stream "\{table\}": add it to --allow-read/);
    await Deno.remove(join(folder, "in.db"));
    const without = await dxt("status shop.yaml -q --select a");
    assert.deepEqual([without.code, states(without)], [1, found.slice(0, 1)]);
    const [problem] = JSON.parse(without.out).problems;
    assert.match(problem, /^Cannot list the tables of the source: /);
  }, {
    ...PIPELINE,
    source: { provider: "sqlite", path: "in.db" },
    streams: [{ source: "*", load: { mode: "append" } }],
  }));

Deno.test("a stage of another version is removed only when told so", () =>
  withPipeline(async (folder, dxt) => {
    await dxt("extract shop.yaml -q");
    const manifest = join(folder, ".dxt/stage/shop/orders/manifest.json");
    const text = await Deno.readTextFile(manifest);
    await Deno.writeTextFile(manifest, text.replace(/"version": \d+/, '"version": 99'));
    const [kept] = entriesOf(await dxt("clean shop.yaml --yes -q"));
    assert.deepEqual(
      [kept.state, kept.action, kept.reason],
      [
        "unusable",
        "kept",
        "it was complete when written, another version of dxt may load it; --staged removes it",
      ],
    );
    assert.match((await dxt("clean shop.yaml --staged --yes")).err, /1 of 1 removed/);
    assert.ok(!await hasStages(folder));
  }));

Deno.test("what a killed load left beside the target of two streams is listed once", () =>
  withPipeline(async (folder, dxt) => {
    await Deno.mkdir(join(folder, "out/.dxt-new"), { recursive: true });
    await Deno.writeTextFile(join(folder, "out/.dxt-new/part-1.csv"), "id\n1\n");
    const places = entriesOf(await dxt("status shop.yaml -q")).map(({ place }) => place);
    assert.deepEqual(places, ["out/.dxt-new"]);
  }, {
    ...PIPELINE,
    target: { provider: "local" },
    streams: ["one", "two"].map((id) => ({
      ...{ id, source: "orders.csv", load: { mode: "append" } },
      target: { type: "directory", path: "out", format: "csv" },
    })),
  }));

Deno.test("what is no duration is refused before anything is removed", () =>
  withPipeline(async (folder, dxt) => {
    await dxt("extract shop.yaml -q");
    const { code, err } = await dxt("clean shop.yaml --staged --yes --older-than week");
    assert.equal(code, 2);
    assert.match(err, /Cannot use --older-than "week": expected a duration such as 12h or 7d/);
    assert.ok(await hasStages(folder));
  }));
