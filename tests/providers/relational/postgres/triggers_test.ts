/** Triggers, rules and policies of a target: what it did not take is never called loaded. */
import assert from "node:assert/strict";
import { LoaderError } from "../../../../src/core/errors.ts";
import type { Field } from "../../../../src/models/field.ts";
import type { LoadMode } from "../../../../src/models/stream.ts";
import { PostgresCopyLoader } from "../../../../src/providers/relational/postgres/copy_loader.ts";
import { stagedOf } from "../../../support/staged.ts";
import { connect, load, never, onServers } from "./support.ts";

const FIELDS: readonly Field[] = [
  { name: "id", dtype: "string", nullable: false },
  { name: "v", dtype: "string", nullable: true },
];
/** Ten rows of eight keys: the last one of each key is to be in the table. */
const RECORDS = Array.from({ length: 10 }, (_, i) => ({ id: `K${i % 8}`, v: `new ${i}` }));

const trigger = (when: string, body: string, level = "ROW") =>
  `CREATE OR REPLACE FUNCTION hook() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN ${body} END$$;
   CREATE TRIGGER hook ${when} ON t FOR EACH ${level} EXECUTE FUNCTION hook()`;
const KEYED = "CREATE TABLE t (id text PRIMARY KEY, v text)";
const BARE = "CREATE TABLE t (id text, v text)";
const ONLY = (more: string, old = "INSERT INTO t VALUES ('K1', 'old'), ('other', 'old')") =>
  `${old}; ${more}`;
const DROP_ODD = "IF new.id ~ '[1357]' THEN RETURN NULL; END IF; RETURN new;";

interface Case {
  readonly what: string;
  readonly mode: LoadMode;
  readonly table: string;
  readonly hooks: string;
  /** What the refusal says; the load succeeds where it is unset. */
  readonly words?: RegExp;
}

const CASES: readonly Case[] = [
  ...[KEYED, BARE].flatMap((table): Case[] => {
    const kind = table === KEYED ? "with an index" : "without an index";
    const upsert = { mode: "upsert", table } as const;
    return [
      {
        ...upsert,
        what: `${kind}: rows dropped before they are inserted`,
        hooks: ONLY(trigger("BEFORE INSERT", DROP_ODD), "SELECT"),
        words: /PostgreSQL says "INSERT 0 4", expected 8 by the staged keys/,
      },
      {
        ...upsert,
        what: `${kind}: rows dropped before they are updated`,
        hooks: ONLY(trigger("BEFORE UPDATE", "RETURN NULL;")),
        words: table === KEYED ? /"INSERT 0 7", expected 8/ : /"UPDATE 0", expected 1/,
      },
      {
        ...upsert,
        what: `${kind}: a trigger that changes the key`,
        hooks: ONLY(trigger("BEFORE INSERT", "new.id := lower(new.id); RETURN new;"), "SELECT"),
        words: /of the staged keys 8 are not in the table afterwards/,
      },
      {
        ...upsert,
        what: `${kind}: rows deleted after they were inserted`,
        hooks: ONLY(
          trigger("AFTER INSERT", "DELETE FROM t WHERE id = 'K3'; RETURN NULL;", "STATEMENT"),
        ),
        words: /of the staged keys 1 are not in the table afterwards/,
      },
      {
        ...upsert,
        what: `${kind}: DO INSTEAD NOTHING`,
        hooks: ONLY("CREATE RULE nothing AS ON INSERT TO t DO INSTEAD NOTHING"),
        words: /rule "nothing" does something else INSTEAD of INSERT/,
      },
      {
        ...upsert,
        what: `${kind}: rows that a rule puts into another table`,
        hooks: ONLY(
          "DROP TABLE IF EXISTS elsewhere; CREATE TABLE elsewhere (id text, v text); " +
            "CREATE RULE away AS ON INSERT TO t DO INSTEAD INSERT INTO elsewhere VALUES (new.*)",
        ),
        words: /rule "away"/,
      },
      {
        ...upsert,
        what: `${kind}: a rule for some rows`,
        hooks: ONLY(
          "CREATE RULE few AS ON UPDATE TO t WHERE old.id = 'K1' DO INSTEAD NOTHING",
        ),
        words: /rule "few" does something else INSTEAD of UPDATE/,
      },
      {
        ...upsert,
        what: `${kind}: triggers that keep every row`,
        hooks: ONLY(
          trigger("BEFORE INSERT OR UPDATE", "new.v := new.v || '!'; RETURN new;"),
        ),
      },
      {
        ...upsert,
        what: `${kind}: a trigger that is disabled`,
        hooks: ONLY(
          `${trigger("BEFORE INSERT", "RETURN NULL;")}; ALTER TABLE t DISABLE TRIGGER hook`,
        ),
      },
    ];
  }),
  {
    what: "a key more than once in the table",
    mode: "upsert",
    table: BARE,
    hooks: "INSERT INTO t VALUES ('K1', 'old'), ('K1', 'older'), ('K2', 'old')",
  },
  {
    what: "a partition's own trigger",
    mode: "upsert",
    table: "CREATE TABLE t (id text PRIMARY KEY, v text) PARTITION BY LIST (id)",
    hooks:
      `CREATE TABLE p1 PARTITION OF t FOR VALUES IN ('K1'); CREATE TABLE p2 PARTITION OF t DEFAULT;
      ${trigger("BEFORE INSERT", "RETURN NULL;").replace("ON t", "ON p1")}`,
    words: /"INSERT 0 7", expected 8/,
  },
  {
    what: "a partitioned table without a trigger",
    mode: "upsert",
    table: "CREATE TABLE t (id text PRIMARY KEY, v text) PARTITION BY LIST (id)",
    hooks:
      `CREATE TABLE p1 PARTITION OF t FOR VALUES IN ('K1'); CREATE TABLE p2 PARTITION OF t DEFAULT;
      INSERT INTO t VALUES ('K1', 'old')`,
  },
  {
    what: "rows dropped by a trigger",
    mode: "append",
    table: BARE,
    hooks: trigger("BEFORE INSERT", DROP_ODD),
    words: /PostgreSQL says "COPY 5", staged are 10/,
  },
  {
    what: "rows kept by a trigger",
    mode: "replace",
    table: BARE,
    hooks: ONLY(
      trigger("BEFORE DELETE", "IF old.id = 'other' THEN RETURN NULL; END IF; RETURN old;"),
    ),
    words: /1 rows are left after DELETE, a trigger keeps them/,
  },
  {
    what: "rows put back by a trigger",
    mode: "replace",
    table: BARE,
    hooks: ONLY(
      trigger("AFTER DELETE", "INSERT INTO t VALUES ('back', ''); RETURN NULL;", "STATEMENT"),
    ),
    words: /1 rows are left after DELETE/,
  },
  {
    what: "rows added by a trigger",
    mode: "replace",
    table: BARE,
    hooks: ONLY(
      trigger(
        "AFTER INSERT",
        "IF pg_trigger_depth() = 1 THEN INSERT INTO t VALUES ('more', ''); END IF; RETURN NULL;",
        "STATEMENT",
      ),
    ),
    words: /it has 11 rows after 10 were copied/,
  },
  {
    what: "a rule in the place of DELETE",
    mode: "replace",
    table: BARE,
    hooks: ONLY("CREATE RULE keep AS ON DELETE TO t DO INSTEAD NOTHING"),
    words: /Cannot load into "public.t": rule "keep" does something else INSTEAD of DELETE/,
  },
  {
    what: "a rule for some rows in the place of DELETE",
    mode: "replace",
    table: BARE,
    hooks: ONLY("CREATE RULE keep AS ON DELETE TO t WHERE old.id = 'other' DO INSTEAD NOTHING"),
    words: /rule "keep"/,
  },
  {
    what: "a rule besides DELETE",
    mode: "replace",
    table: BARE,
    hooks: ONLY("CREATE RULE told AS ON DELETE TO t DO ALSO NOTIFY told"),
  },
];

for (const { what, mode, table, hooks, words } of CASES) {
  onServers(`${mode}, ${what}`, async (database) => {
    await database.sql(`${table}; ${hooks}`);
    const before = await database.sql("SELECT * FROM t ORDER BY id, v");
    await using connector = await connect(database.url);
    const upsertKeys = mode === "upsert" ? ["id"] : [];
    const loading = load(connector, "t", stagedOf(FIELDS, RECORDS), { mode, upsertKeys });
    if (words === undefined) {
      assert.equal((await loading).rows, 10);
      if (mode !== "upsert") return;
      const [row] = await database.sql(
        "SELECT count(DISTINCT id)::int AS keys, bool_and(v LIKE 'new%') AS new FROM t WHERE id LIKE 'K%'",
      );
      assert.deepEqual(row, { keys: 8, new: true });
      return;
    }
    await assert.rejects(loading, (error) => {
      assert.ok(error instanceof LoaderError, String(error));
      assert.match(error.message, words);
      return true;
    });
    assert.deepEqual(await database.sql("SELECT * FROM t ORDER BY id, v"), before);
  });
}

onServers("a plan refuses the rules that a load refuses", async (database) => {
  await database.sql(
    `${BARE}; CREATE RULE keep AS ON DELETE TO t DO INSTEAD NOTHING;
     CREATE RULE nothing AS ON INSERT TO t DO INSTEAD NOTHING`,
  );
  await using connector = await connect(database.url);
  const problems = async (mode: LoadMode) =>
    (await new PostgresCopyLoader(connector).plan({
      target: { type: "relation", name: "t" },
      staged: { kind: "records", fields: FIELDS },
      mode,
      upsertKeys: mode === "upsert" ? ["id"] : [],
      signal: never,
    })).problems.join();
  assert.match(await problems("replace"), /rule "keep"/);
  assert.match(await problems("upsert"), /rule "nothing"/);
  // COPY knows no rules.
  assert.equal(await problems("append"), "");
});

/** Row security: rows that the login may not see, and rows that it may not write. */
onServers("row security neither hides rows from an upsert nor drops them", async (database) => {
  await database.sql(
    `CREATE ROLE dxt_writer; CREATE TABLE keyed (id text PRIMARY KEY, v text); CREATE TABLE bare (id text, v text);
     INSERT INTO keyed VALUES ('K1', 'hidden'); INSERT INTO bare VALUES ('K1', 'hidden');
     GRANT SELECT, INSERT, UPDATE, DELETE ON keyed, bare TO dxt_writer;
     ALTER TABLE keyed ENABLE ROW LEVEL SECURITY; ALTER TABLE bare ENABLE ROW LEVEL SECURITY;
     CREATE POLICY seen ON keyed USING (v <> 'hidden'); CREATE POLICY seen ON bare USING (v <> 'hidden')`,
  );
  try {
    await using connector = await connect(database.url, { options: "-c role=dxt_writer" });
    const upsert = { mode: "upsert", upsertKeys: ["id"] } as const;
    const refusals: readonly [table: string, words: RegExp][] = [
      ["keyed", /row-level security policy/],
      ["bare", /row security hides rows from the login, and no unique index/],
    ];
    for (const [table, words] of refusals) {
      await assert.rejects(load(connector, table, stagedOf(FIELDS, RECORDS), upsert), words);
      assert.equal((await database.sql(`SELECT FROM ${table}`)).length, 1);
    }
    for (const mode of ["append", "replace"] as const) {
      await assert.rejects(
        load(connector, "bare", stagedOf(FIELDS, RECORDS), { mode }),
        /row-level security/,
      );
    }
    // What it may see and write it may upsert.
    const visible = RECORDS.filter(({ id }) => id !== "K1");
    await load(connector, "keyed", stagedOf(FIELDS, visible), upsert);
    assert.equal((await database.sql("SELECT FROM keyed")).length, 8);
  } finally {
    await database.sql("DROP OWNED BY dxt_writer; DROP ROLE dxt_writer");
  }
});
