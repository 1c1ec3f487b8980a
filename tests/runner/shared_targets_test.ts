/** Streams of one pipeline that write into one target: which are refused, and what tells rows apart. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { loadPipeline, LocatedError } from "../../src/config/mod.ts";
import { checkPipeline, previewPipeline, runPipeline } from "../../src/runner/mod.ts";
import { run, runWell, withFolder } from "../support/run.ts";

type Keys = Record<string, unknown>;

const POSTGRES = "postgres://nobody@127.0.0.1:1/nowhere";
const INCREMENTAL = { mode: "incremental", watermark_field: "at" };
const own = (where: unknown) => ({ ...INCREMENTAL, watermark_where: where });
const region = (constant: string) => [{ id: "region", constant }];

const stream = (
  id: string,
  target: string,
  mode: string,
  extract?: Keys,
  fields?: unknown,
): Keys => ({
  ...{ id, source: `${id}_source`, target, load: { mode } },
  ...(extract === undefined ? {} : { extract }),
  ...(fields === undefined ? {} : { fields }),
  ...(mode === "upsert" ? { load: { mode, upsert_keys: ["id"] } } : {}),
});

async function write(folder: string, pipeline: Keys): Promise<string> {
  const path = join(folder, `${crypto.randomUUID()}.yaml`);
  const text = JSON.stringify({ version: 1, name: "shared", ...pipeline }, null, 1);
  await Deno.writeTextFile(path, text);
  return path;
}

/** The error of a pipeline's check, or undefined. */
async function refusal(folder: string, target: unknown, streams: Keys[], keys: Keys = {}) {
  const path = await write(folder, { source: POSTGRES, target, streams, ...keys });
  const loaded = await loadPipeline(path, { env: {} });
  try {
    await checkPipeline(loaded);
  } catch (error) {
    assert.ok(error instanceof LocatedError, String(error));
    return error;
  }
  return undefined;
}

const SQLITE = { provider: "sqlite", path: "t.db" };
const LOCAL = { provider: "local", path: "out" };

/** Two streams that replace: the target's connection, one name and the other, and whether they meet. */
const NAMES: readonly [unknown, string, string, boolean][] = [
  [SQLITE, "t", "t", true],
  [SQLITE, "T", "t", true],
  [SQLITE, "main.t", "T", true],
  [SQLITE, '"a.b"', "a.b", false],
  [SQLITE, "Ä", "ä", false],
  [POSTGRES, "t", "public.t", true],
  [POSTGRES, '"public"."t"', "t", true],
  [POSTGRES, "T", "t", false],
  [POSTGRES, "sales.t", "t", false],
  [`${POSTGRES}?schema=sales`, "sales.t", "t", true],
  [`${POSTGRES}?schema=sales`, "public.t", "t", false],
  [LOCAL, "same.csv", "./same.csv", true],
  [LOCAL, "a/../same.csv", "same.csv", true],
  [LOCAL, "same.csv", "other.csv", false],
  [LOCAL, "d/", "d/x.csv", true],
  [LOCAL, "d/x.csv", "d/", true],
  [LOCAL, "d/", "d/e/", true],
  [LOCAL, "d", "dd/x.csv", false],
  [LOCAL, "link.csv", "same.csv", true],
  [LOCAL, "linked/x.csv", "d/x.csv", true],
];

Deno.test("two streams that replace one target are refused, however its name is written", () =>
  withFolder(async (folder) => {
    await Deno.mkdir(join(folder, "out/d"), { recursive: true });
    await Deno.symlink("same.csv", join(folder, "out/link.csv"));
    await Deno.symlink("d", join(folder, "out/linked"));
    for (const [target, one, other, meet] of NAMES) {
      const streams = [stream("a", one, "replace"), stream("b", other, "replace")];
      const error = await refusal(folder, target, streams);
      const label = `${JSON.stringify(target)} ${one} ${other}`;
      assert.equal(error !== undefined, meet, label);
      if (error === undefined) continue;
      assert.match(error.message, /Cannot replace the target of stream "[ab]"/, label);
      assert.equal(error.issues.length, 2, label);
      assert.notEqual(error.issues[0]!.line, error.issues[1]!.line, label);
    }
  }));

/** Streams into one table, and what is said of them; undefined where they may share it. */
const SHARING: readonly [string, Keys[], RegExp | undefined][] = [
  ["append and append", [stream("a", "t", "append"), stream("b", "t", "append")], undefined],
  ["upsert and upsert", [stream("a", "t", "upsert"), stream("b", "t", "upsert")], undefined],
  ["replace, then append", [stream("a", "t", "replace"), stream("b", "t", "append")], undefined],
  [
    "append, then replace",
    [stream("a", "t", "append"), stream("b", "t", "replace")],
    /put the stream that replaces first/,
  ],
  ...["a", "b"].map((deleting): [string, Keys[], RegExp] => [
    `deletes of stream ${deleting}`,
    ["a", "b"].map((id) => ({
      ...stream(id, "t", "upsert"),
      load: {
        mode: "upsert",
        upsert_keys: ["id"],
        ...(id === deleting ? { deletes: "soft" } : {}),
      },
    })),
    new RegExp(
      `Cannot delete rows from the target of stream "${deleting}".* target of its own$`,
      "m",
    ),
  ]),
  [
    "replacements of rows that differ",
    ["eu", "us"].map((region) => ({
      ...stream(region, "t", "replace"),
      load: { mode: "replace", where: `region = '${region}'` },
    })),
    undefined,
  ],
  [
    "replacements of the same rows",
    ["a", "b"].map((id) => ({
      ...stream(id, "t", "replace"),
      load: { mode: "replace", where: "region = 'eu'" },
    })),
    /Cannot replace the target of stream "b"/,
  ],
  [
    "two incremental streams",
    [stream("a", "t", "append", INCREMENTAL), stream("b", "t", "append", INCREMENTAL)],
    /Cannot find the watermark of stream "a"/,
  ],
  [
    "one incremental stream, and one that is read whole",
    [stream("a", "t", "upsert"), stream("b", "T", "upsert", INCREMENTAL)],
    /Cannot find the watermark of stream "b"/,
  ],
  [
    "only one of them says which rows are its own",
    [stream("a", "t", "append", own({ region: "eu" })), stream("b", "t", "append", INCREMENTAL)],
    /Cannot find the watermark of stream "b"/,
  ],
  [
    "values that differ",
    [
      stream("a", "t", "append", own({ region: "eu" })),
      stream("b", "t", "append", own({ region: "us" })),
    ],
    undefined,
  ],
  [
    "values of other fields may be in the same rows",
    [
      stream("a", "t", "append", own({ region: "eu" })),
      stream("b", "t", "append", own({ kind: "x" })),
    ],
    /may have the same marks/,
  ],
  [
    "conditions that differ",
    [
      stream("a", "t", "append", own("region = 'eu'")),
      stream("b", "t", "append", own("region = 'us'")),
    ],
    undefined,
  ],
  [
    "the same condition twice",
    [stream("a", "t", "append", own("x > 1")), stream("b", "t", "append", own("x > 1"))],
    /may have the same marks/,
  ],
  [
    "constant fields",
    [
      stream("a", "t", "append", INCREMENTAL, region("eu")),
      stream("b", "t", "append", INCREMENTAL, region("us")),
    ],
    undefined,
  ],
  [
    "the same constant",
    [
      stream("a", "t", "append", INCREMENTAL, region("eu")),
      stream("b", "t", "append", INCREMENTAL, region("eu")),
    ],
    /may have the same marks/,
  ],
  [
    "expressions that are constant",
    [
      stream("a", "t", "append", INCREMENTAL, [
        { id: "region", dtype: "string", source: { expression: "'eu'" } },
      ]),
      stream("b", "t", "append", INCREMENTAL, [
        { id: "region", dtype: "string", source: { expression: "'us'" } },
      ]),
    ],
    undefined,
  ],
  [
    "an incremental folder with another stream's file in it",
    [stream("a", "d/", "append", INCREMENTAL), stream("b", "d/x.csv", "append")],
    /Cannot find the watermark of stream "a"/,
  ],
  [
    "a file in another stream's folder",
    [stream("a", "d/", "append"), stream("b", "d/x.csv", "append", INCREMENTAL)],
    undefined,
  ],
];

Deno.test("streams share a target where each can tell its own rows and none deletes another's", () =>
  withFolder(async (folder) => {
    for (const [label, streams, wrong] of SHARING) {
      const target = label.includes("folder") ? LOCAL : SQLITE;
      const error = await refusal(folder, target, streams);
      if (wrong === undefined) assert.equal(error?.message, undefined, label);
      else assert.match(error?.message ?? "", wrong, label);
    }
  }));

Deno.test("two streams that pass files through may fill one folder", () =>
  withFolder(async (folder) => {
    const path = await write(folder, {
      ...{ source: { provider: "local", path: "in" }, target: LOCAL },
      buffer: { format: "passthrough" },
      streams: ["a", "b"].map((id) => ({ id, source: `${id}/`, target: "all/" })),
    });
    await checkPipeline(await loadPipeline(path, { env: {} }));
  }));

Deno.test("files evaluate no conditions, and values are no fields that are not there", () =>
  withFolder(async (folder) => {
    const error = await refusal(folder, LOCAL, [
      stream("a", "t.csv", "append", own("region = 'eu'")),
    ]);
    assert.match(error!.message, /Cannot tell the rows of stream "a" by "region = 'eu'"/);
    for (
      const [extract, wrong] of [
        [{ watermark_where: { region: "eu" } }, /expected mode: incremental/],
        [own({}), /names no field/],
      ] as const
    ) {
      await assert.rejects(refusal(folder, SQLITE, [stream("a", "t", "append", extract)]), wrong);
    }
  }));

const TARGETS: readonly [string, Keys, string, unknown, unknown][] = [
  ["SQLite by values", SQLITE, "orders", { region: "eu" }, { region: "us" }],
  ["SQLite by conditions", SQLITE, "orders", "region = 'eu'", "region = 'us'"],
  ["a file", LOCAL, "orders.csv", { region: "eu" }, { region: "us" }],
  ["a folder", LOCAL, "orders/", { region: "eu" }, { region: "us" }],
  ["constant fields", SQLITE, "orders", undefined, undefined],
  ["constant fields in a file", LOCAL, "orders.jsonl", undefined, undefined],
];

for (const [label, target, name, ...wheres] of TARGETS) {
  Deno.test(`each stream goes on from its own rows: ${label}`, () =>
    withFolder(async (folder) => {
      const path = join(folder, "source.db");
      using database = new DatabaseSync(path);
      const constant = wheres[0] === undefined;
      const column = constant ? "" : "region TEXT, ";
      database.exec(`CREATE TABLE eu (${column}at INTEGER); CREATE TABLE us (${column}at INTEGER)`);
      const add = (table: string, from: number, to: number) => {
        for (let at = from; at <= to; at++) {
          database.exec(`INSERT INTO ${table} VALUES (${constant ? "" : `'${table}', `}${at})`);
        }
      };
      const pipeline = {
        ...{ version: 1, name: "regions", target, source: { provider: "sqlite", path } },
        streams: ["eu", "us"].map((id, i) => ({
          ...{ id, source: id, target: name },
          extract: constant ? INCREMENTAL : own(wheres[i]),
          ...(constant ? { fields: region(id) } : {}),
        })),
      };
      const rows = async (threads?: number) =>
        (await runWell(folder, pipeline, threads === undefined ? {} : { threads }))
          .streams.map(({ rows_loaded }) => rows_loaded);
      add("eu", 1, 20);
      add("us", 1, 5);
      assert.deepEqual(await rows(1), [20, 5]);
      assert.deepEqual(await rows(), [0, 0]);
      add("us", 6, 8);
      assert.deepEqual(await rows(), [0, 3]);
    }));
}

Deno.test("a plan tells whose highest value it is", () =>
  withFolder(async (folder) => {
    const path = join(folder, "source.db");
    using database = new DatabaseSync(path);
    database.exec("CREATE TABLE s (region TEXT, at INTEGER); INSERT INTO s VALUES ('eu', 7)");
    const pipeline = {
      ...{ source: { provider: "sqlite", path }, target: SQLITE },
      streams: [{ id: "s", source: "s", target: "t", extract: own({ region: "eu" }) }],
    };
    await runWell(folder, { version: 1, name: "shared", ...pipeline });
    const loaded = await loadPipeline(await write(folder, pipeline), { env: {} });
    const { signal } = new AbortController();
    const { result: { streams: [planned] } } = await previewPipeline(loaded, { signal });
    assert.equal(planned!.extract.watermark, "7");
    assert.equal(planned!.extract.watermark_of, "t where region = eu");
  }));

Deno.test("a full refresh would delete the rows of the other streams", () =>
  withFolder(async (folder) => {
    const streams = [
      stream("a", "t", "append", own({ region: "eu" })),
      stream("b", "t", "append", own({ region: "us" })),
    ];
    const path = await write(folder, { source: POSTGRES, target: SQLITE, streams });
    const loaded = await loadPipeline(path, { env: {} });
    const { signal } = new AbortController();
    const options = { phase: "run", fullRefresh: true, select: "a", signal, onEvent() {} } as const;
    await assert.rejects(runPipeline(loaded, options), /Cannot refresh stream "a"/);
    await assert.rejects(previewPipeline(loaded, options), /Cannot refresh stream "a"/);
  }));

Deno.test("a mark that the stream does not have is named", () =>
  withFolder(async (folder) => {
    const path = join(folder, "source.db");
    using database = new DatabaseSync(path);
    database.exec("CREATE TABLE s (region TEXT, at INTEGER)");
    const result = await run(folder, {
      ...{ version: 1, name: "shared", source: { provider: "sqlite", path }, target: SQLITE },
      streams: [{ id: "s", source: "s", target: "t", extract: own({ regoin: "eu" }) }],
    });
    assert.match(result.streams[0]!.error!.message, /by "regoin": the stream has no such field/);
  }));
