/** A provider, classes and transforms of others, named by URL or path in YAML. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { program } from "../cli/program.ts";
import { withFolder } from "../support/run.ts";
import { EXAMPLE, ROWS, serveThings, THINGS, thingsPipeline } from "./api.ts";
import { clean, inBothModes, write } from "./modes.ts";

function rows(folder: string, sql: string): unknown[] {
  using database = new DatabaseSync(join(folder, "out.db"), { readOnly: true });
  return database.prepare(sql).all().map((row) => ({ ...row }));
}

inBothModes(
  "the worked example, served over HTTP, is used by URL",
  (dxt) =>
    withFolder(async (folder) => {
      await using server = serveThings({ "/pages.ts": EXAMPLE });
      const url = `${server.base}/pages.ts`;
      await write(folder, "p.yaml", thingsPipeline(url, server.host));
      const imports = `--allow-import=${server.host}`;

      const refused = await dxt(folder, ["run", "p.yaml"]);
      assert.equal(refused.code, 2);
      assert.match(refused.err, new RegExp(`--allow-import=${server.host}`));
      assert.deepEqual(server.asked, []);

      const run = await dxt(folder, ["run", "p.yaml", imports, "--output", "json"]);
      clean(run);
      const [stream] = JSON.parse(run.out).streams;
      assert.deepEqual([stream.rows_extracted, stream.rows_loaded], [ROWS, ROWS]);
      assert.equal(stream.proof.source.evidence, `3 pages, ${ROWS} records`);
      assert.match(run.err, /is not locked/);
      const stored = rows(folder, "SELECT id, name, price, made, tags FROM things ORDER BY id");
      assert.deepEqual(
        stored,
        THINGS.map((thing) => ({ ...thing, tags: JSON.stringify(thing.tags) })),
      );

      const head = await dxt(folder, ["head", "p.yaml", "things", "--rows", "1", imports]);
      clean(head);
      assert.match(head.out, /thing 1/);
      clean(await dxt(folder, ["test", "p.yaml", imports]));
      clean(await dxt(folder, ["validate", "p.yaml", imports]));
      clean(await dxt(folder, ["plan", "p.yaml", imports]));
    }),
);

inBothModes(
  "what is locked is used, what changed is refused with both hashes",
  (dxt) =>
    withFolder(async (folder) => {
      await using server = serveThings({ "/pages.ts": EXAMPLE });
      await write(folder, "p.yaml", thingsPipeline(`${server.base}/pages.ts`, server.host));
      const imports = `--allow-import=${server.host}`;
      const frozen = ["run", "p.yaml", imports, "--frozen"];
      const unlocked = await dxt(folder, frozen);
      assert.equal(unlocked.code, 2);
      assert.match(unlocked.err, /dxt\.lock does not have it/);
      assert.deepEqual(server.asked, []);

      clean(await dxt(folder, ["lock", "p.yaml", imports]));
      const locked = JSON.parse(await Deno.readTextFile(join(folder, "dxt.lock")));
      const [before] = Object.values(locked.modules) as string[];
      clean(await dxt(folder, frozen));

      server.routes["/pages.ts"] = `${EXAMPLE}\n// tampered with`;
      const tampered = await dxt(folder, ["run", "p.yaml", imports]);
      assert.equal(tampered.code, 2);
      const hashes = tampered.err.match(/[0-9a-f]{64}/g) ?? [];
      assert.equal(hashes.length, 2, tampered.err);
      assert.ok(hashes.includes(before!));

      server.routes["/pages.ts"] = { location: "/elsewhere.ts" };
      server.routes["/elsewhere.ts"] = EXAMPLE;
      const moved = await dxt(folder, ["run", "p.yaml", imports, "--frozen"]);
      assert.equal(moved.code, 2);
      assert.match(moved.err, /pages\.ts/);
      assert.match(moved.err, /elsewhere\.ts/);
    }),
);

inBothModes("what was vendored runs without its server", (dxt) =>
  withFolder(async (folder) => {
    await using api = serveThings();
    {
      await using server = serveThings({ "/pages.ts": EXAMPLE });
      await write(folder, "p.yaml", thingsPipeline(`${server.base}/pages.ts`, api.host));
      const imports = `--allow-import=${server.host}`;
      clean(await dxt(folder, ["lock", "p.yaml", imports]));
      clean(await dxt(folder, ["vendor", "p.yaml", imports]));
      await write(folder, "imports", imports);
    }
    const imports = await Deno.readTextFile(join(folder, "imports"));
    clean(await dxt(folder, ["run", "p.yaml", "--frozen", imports]));
    assert.equal(rows(folder, "SELECT * FROM things").length, ROWS);
  }));

const SHOUT = `
import { type Field, type Transform, type TransformClass, z } from "dxt";
import { upper } from "./upper.ts";
const Options = z.strictObject({ field: z.string().describe("Field to shout") });
export const Shout: TransformClass = {
  description: "Text in upper case, and its length",
  options: Options,
  create(options, { recordsOf, batchOf }): Transform {
    const { field } = options as z.infer<typeof Options>;
    let after: Field[] = [];
    return {
      fields: (before) => after = [...before, { name: "length", dtype: "int32", nullable: true }],
      apply: (batch) =>
        batchOf(after, [...recordsOf(batch)].map((record) => {
          const text = record[field] as string;
          return { ...record, [field]: upper(text), length: text.length };
        })),
    };
  },
};
export const Drop: TransformClass = {
  description: "Loses a record of each batch",
  options: z.strictObject({}),
  create(_options, { recordsOf, batchOf }): Transform {
    let fields: Field[] = [];
    return {
      fields: (before) => fields = [...before],
      apply: (batch) => batchOf(fields, [...recordsOf(batch)].slice(1)),
    };
  },
};
`;
const UPPER = `export const upper = (text: string): string => text.toUpperCase();`;

inBothModes(
  "a transform of one's own changes records on their way",
  (dxt) =>
    withFolder(async (folder) => {
      await using server = serveThings();
      await write(folder, "pages.ts", EXAMPLE);
      await write(folder, "shout.ts", SHOUT);
      await write(folder, "upper.ts", UPPER);
      const step = { class: "./shout.ts#Shout", config: { field: "name" } };
      const pipeline = thingsPipeline("./pages.ts", server.host, { transforms: [step] });
      await write(folder, "p.yaml", pipeline);
      clean(await dxt(folder, ["run", "p.yaml"]));
      assert.deepEqual(rows(folder, "SELECT name, length FROM things WHERE id = 3"), [
        { name: "THING 3", length: 7 },
      ]);

      const losing = thingsPipeline("./pages.ts", server.host, { transforms: ["./shout.ts#Drop"] });
      await write(folder, "losing.yaml", losing);
      const lost = await dxt(folder, ["run", "losing.yaml"]);
      assert.equal(lost.code, 1);
      assert.match(lost.err, /a transform keeps their number/);
      assert.equal(rows(folder, "SELECT * FROM things").length, ROWS);
    }),
);

const CLASSES = `
import { type ExtractorClass, type LoaderClass, undivided, z, ExtractorError } from "dxt";
export const Squares: ExtractorClass = {
  description: "Numbers and their squares",
  yields: "records",
  options: z.strictObject({ count: z.int().describe("How many") }),
  create: (connector, options) => ({
    partition: undivided,
    async *extract(task) {
      const { count } = options as { count: number };
      const fields = await connector.getStreamFields(task.source);
      if (fields === undefined) throw new ExtractorError("no such table");
      yield* task.batches(Array.from({ length: count }, (_, n) => ({ n, square: n * n })));
      return { rows: count, evidence: count + " squares" };
    },
  }),
};
`;

inBothModes(
  "an extractor of one's own uses a connection of dxt's",
  (dxt) =>
    withFolder(async (folder) => {
      using database = new DatabaseSync(join(folder, "in.db"));
      database.exec("CREATE TABLE squares (n INTEGER, square INTEGER)");
      await write(folder, "squares.ts", CLASSES);
      const pipeline = (extractor: unknown) => ({
        version: 1,
        name: "squares",
        source: { provider: "sqlite", path: "in.db" },
        target: { provider: "sqlite", path: "out.db" },
        streams: [{ id: "squares", extractor, load: { mode: "replace" }, source: "squares" }],
      });
      await write(
        folder,
        "p.yaml",
        pipeline({ class: "./squares.ts#Squares", config: { count: 9 } }),
      );
      clean(await dxt(folder, ["run", "p.yaml"]));
      assert.deepEqual(rows(folder, "SELECT max(square) AS most FROM squares"), [{ most: 64 }]);
      for (const command of ["plan", "test"]) clean(await dxt(folder, [command, "p.yaml"]));
      const head = await dxt(folder, ["head", "p.yaml", "squares", "--rows", "3"]);
      clean(head);
      assert.match(head.out, /^0\s+0$/m);

      const wrong: [unknown, RegExp][] = [
        [
          { class: "./squares.ts#Squares", config: { count: "many" } },
          /count.*expected (int|number)/,
        ],
        ["./squares.ts#Cubes", /"file:.*squares\.ts#Cubes" as extractor: it has no such export/],
        ["./none.ts#Squares", /none\.ts/],
        ["./squares.ts", /it has no such export/],
      ];
      for (const [extractor, message] of wrong) {
        await write(folder, "wrong.yaml", pipeline(extractor));
        const { code, err } = await dxt(folder, ["run", "wrong.yaml"]);
        assert.equal(code, 2, err);
        assert.match(err, message);
        assert.match(err, /^error: wrong\.yaml:1:\d+: /);
      }
    }),
);

inBothModes(
  "a provider has no permission that the pipeline does not name",
  (dxt) =>
    withFolder(async (folder) => {
      await using server = serveThings();
      await write(folder, "pages.ts", EXAMPLE);
      const { source, ...others } = thingsPipeline("./pages.ts", server.host);
      const { permissions: _, ...bare } = source as Record<string, unknown>;
      await write(folder, "p.yaml", { ...others, source: bare });
      const { code, err } = await dxt(folder, ["run", "p.yaml"]);
      assert.equal(code, 2);
      assert.ok(err.includes(`permissions: {"net":["${server.host}"]}`), err);
      assert.deepEqual(server.asked, []);
      const ceiling = ["run", "q.yaml", "--allow-net=127.0.0.1:1"];
      await write(folder, "q.yaml", thingsPipeline("./pages.ts", server.host));
      const above = await dxt(folder, ceiling);
      assert.equal(above.code, 2);
      assert.ok(above.err.includes(server.host), above.err);
      assert.deepEqual(server.asked, []);
    }),
);

inBothModes(
  "a source that sends fewer records than it told is no success",
  (dxt) =>
    withFolder(async (folder) => {
      await using server = serveThings();
      await write(folder, "pages.ts", EXAMPLE);
      await write(folder, "p.yaml", thingsPipeline("./pages.ts", server.host));
      clean(await dxt(folder, ["run", "p.yaml"]));
      server.routes["/things?page=2"] = JSON.stringify({ items: [], total: ROWS, next: null });
      const { code, err } = await dxt(folder, ["run", "p.yaml"]);
      assert.equal(code, 1);
      assert.match(err, /10 records came, the API told 25/);
      assert.equal(rows(folder, "SELECT * FROM things").length, ROWS);
    }),
);

function flagsOf(printed: string): string[] {
  const needed: Record<string, string[]> = JSON.parse(printed);
  return Object.entries(needed).filter(([, values]) => values.length > 0)
    .map(([kind, values]) => `--allow-${kind}=${values.join(",")}`);
}

Deno.test("exactly the permissions that are printed run code of others, local, fetched, vendored", () =>
  withFolder(async (made) => {
    const folder = await Deno.realPath(made);
    await using api = serveThings();
    await using server = serveThings({ "/pages.ts": EXAMPLE });
    await write(folder, "pages.ts", EXAMPLE);
    await write(folder, "shout.ts", SHOUT);
    await write(folder, "upper.ts", UPPER);
    const step = { class: "./shout.ts#Shout", config: { field: "name" } };
    const imports = `--allow-import=${server.host}`;
    const exactly = async (provider: string, reached: readonly string[]) => {
      const pipeline = thingsPipeline(provider, api.host, { transforms: [step] });
      await write(folder, "p.yaml", pipeline);
      const printed = await program(folder, ["permissions", "p.yaml", imports, "--format", "json"]);
      clean(printed);
      const flags = flagsOf(printed.out);
      assert.equal(flags.find((flag) => flag.startsWith("--allow-net=")), `--allow-net=${reached}`);
      clean(await program(folder, ["run", "p.yaml", imports], {}, flags));
      return flags;
    };
    await exactly("./pages.ts", [api.host]);
    const url = `${server.base}/pages.ts`;
    const flags = await exactly(url, [api.host, server.host].sort());

    const less = flags.map((flag) =>
      flag.replace(`,${server.host}`, "").replace(`${server.host},`, "")
    );
    const refused = await program(folder, ["run", "p.yaml", imports], {}, less);
    assert.equal(refused.code, 2);
    assert.ok(refused.err.includes(`--allow-net=${server.host}`), refused.err);

    clean(await program(folder, ["lock", "p.yaml", imports]));
    clean(await program(folder, ["vendor", "p.yaml", imports]));
    await exactly(url, [api.host]);
  }));

/** A name of this machine besides localhost, which every machine gives itself. */
const NAME = Deno.readTextFileSync("/etc/hosts").split("\n")
  .flatMap((line) => line.split("#")[0]!.trim().split(/\s+/).slice(1))
  .find((name) => !name.includes("localhost") && !name.startsWith("ip6-"))!;

inBothModes(
  "a host that leads to an address of this machine or network is to be named so",
  (dxt) =>
    withFolder(async (folder) => {
      await write(folder, "pages.ts", EXAMPLE);
      await write(folder, "p.yaml", thingsPipeline("./pages.ts", `${NAME}:1`));
      const { code, err } = await dxt(folder, ["run", "p.yaml"]);
      assert.equal(code, 2, err);
      assert.match(err, /resolves to [0-9a-f.:]+, .*; to allow it, name [0-9a-f.:]+ itself/);
    }),
);

const WARNING = `
import { defineProvider, sourceConnector, undivided, z } from "dxt";
export default defineProvider({
  name: "aging",
  category: "webapi",
  description: "Warns whenever it is used",
  config: z.strictObject({}),
  connect: (_config, { warn }) => {
    warn("the API ends in May");
    return Promise.resolve({
      warn,
      ...sourceConnector({
        testConnection: () => Promise.resolve({ product: "aging", version: "1" }),
        getStreamFields: () =>
          Promise.resolve([{ name: "id", dtype: "int64", nullable: true }]),
      }),
    });
  },
  permissions: () => ({}),
  extractors: {
    Rows: {
      description: "One row",
      yields: "records",
      options: z.strictObject({}),
      create: ({ warn }) => ({
        partition: undivided,
        async *extract({ batches }) {
          for (let times = 0; times < 3; times++) warn("page 2 is deprecated");
          yield* batches([{ id: 1n }]);
          return { rows: 1, evidence: "1 row" };
        },
      }),
    },
  },
  loaders: {},
});
`;

inBothModes(
  "what a provider warns of is in the result, once, and in the plan",
  (dxt) =>
    withFolder(async (folder) => {
      await write(folder, "aging.js", WARNING);
      await write(folder, "p.yaml", {
        version: 1,
        name: "aging",
        source: { provider: "./aging.js" },
        target: { provider: "sqlite", path: "out.db" },
        streams: ["a", "b"].map((id) => ({ id, source: id, load: { mode: "replace" } })),
      });
      const run = await dxt(folder, ["run", "p.yaml", "--output", "json"]);
      clean(run);
      for (const { warnings } of JSON.parse(run.out).streams) {
        assert.deepEqual(warnings, ["the API ends in May", "page 2 is deprecated"]);
      }
      const plan = await dxt(folder, ["plan", "p.yaml"]);
      clean(plan);
      assert.match(plan.out, /^ +warning +the API ends in May$/m);
    }),
);

inBothModes(
  "an external provider that requires a native library is refused, whatever is granted",
  (dxt) =>
    withFolder(async (folder) => {
      const needs = WARNING.replace(
        "permissions: () => ({})",
        'permissions: () => ({ ffi: ["/x.so"] })',
      );
      const pipeline = (source: Record<string, unknown>) => ({
        version: 1,
        name: "native",
        source,
        target: { provider: "sqlite", path: "out.db" },
        streams: [{ id: "a", source: "a" }],
      });
      await write(folder, "aging.js", needs);
      await write(folder, "p.yaml", pipeline({ provider: "./aging.js" }));
      const refused = await dxt(folder, ["run", "p.yaml"]);
      assert.equal(refused.code, 2, refused.err);
      assert.match(refused.err, /it requires --allow-ffi=\/x\.so, which no untrusted code gets/);
      const permissions = { sys: ["hostname"] };
      await write(folder, "p.yaml", pipeline({ provider: "./aging.js", permissions }));
      const { code, err } = await dxt(folder, ["run", "p.yaml"]);
      assert.equal(code, 2, err);
      assert.match(
        err,
        /Cannot read permissions: unknown key "sys": known are net, read, write, env/,
      );
    }),
);
