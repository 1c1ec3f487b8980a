import assert from "node:assert/strict";
import { ConnectionError, DXTError } from "../../../../src/core/errors.ts";
import type { Field } from "../../../../src/models/field.ts";
import type { TestDatabase } from "../../../support/services.ts";
import { stagedOf } from "../../../support/staged.ts";
import { type Break, proxyTo } from "../../../support/proxy.ts";
import { connect, extract, load, onServers } from "./support.ts";

const ROWS = 200_000;
const FIELDS: readonly Field[] = [
  { name: "n", dtype: "int32", nullable: false, key: true },
  { name: "t", dtype: "string", nullable: true },
];
const records = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ n, t: `text ${n} ${"x".repeat(100)}` }));

const big = (database: TestDatabase) =>
  database.sql(
    `CREATE TABLE big AS SELECT n, 'text ' || n || repeat('x', 100) AS t
     FROM generate_series(1, ${ROWS}) n`,
  );

/** Backends of other connections to this database that do something, or hold a transaction open. */
async function busy(database: TestDatabase): Promise<number> {
  const rows = await database.sql(
    `SELECT count(*)::int AS n FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'`,
  );
  return rows[0]!["n"] as number;
}

async function untilIdle(database: TestDatabase): Promise<void> {
  const deadline = performance.now() + 5000;
  while (await busy(database) > 0) {
    assert.ok(performance.now() < deadline, "the server is still busy for us");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** TLS is a path of its own to and from the socket. */
const SSLMODES = ["disable", "require"] as const;

onServers(
  "an extraction whose backend is killed half-way rejects, every time",
  async (database) => {
    await big(database);
    for (let time = 0; time < 20; time++) {
      const sslmode = SSLMODES[time % 2]!;
      await using connector = await connect(database.url, { sslmode });
      let killed = 0;
      // 23 MB do not fit between the server and a reader that waits: the COPY is still going on.
      const between = async () => {
        if (killed > 0) return;
        killed = (await database.sql(
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
           WHERE datname = current_database() AND query LIKE 'COPY (SELECT%'`,
        )).length;
      };
      await assert.rejects(extract(connector, "big", { between }), (error) => {
        assert.ok(error instanceof DXTError, String(error));
        assert.match(error.message, /57P01|connection was lost/);
        return true;
      });
      // That of the time before may still be ending.
      assert.ok(killed > 0);
    }
  },
);

const BREAKS: readonly Break[] = ["reset", "close", "silence"];

onServers("an extraction whose connection breaks after some bytes rejects", async (database) => {
  await big(database);
  const port = Number(new URL(database.url).port);
  for (const how of BREAKS) {
    for (
      const [after, sslmode] of [
        [3000, "disable"],
        [100_000, "disable"],
        [5_000_000, "disable"],
        [
          5000,
          "require",
        ],
        [311_111, "require"],
        [1_000_000, "require"],
        [5_000_003, "require"],
      ] as const
    ) {
      await using proxy = proxyTo(port, how, after);
      const url = new URL(database.url);
      url.port = String(proxy.port);
      await using connector = await connect(url.href, { sslmode, inactivity_timeout: 0.5 });
      const started = performance.now();
      await assert.rejects(extract(connector, "big"), (error) => {
        assert.ok(error instanceof ConnectionError, String(error));
        assert.match(
          error.message,
          how === "silence" ? /silent for 0.5 s/ : /connection was lost before/,
        );
        return true;
      });
      assert.ok(performance.now() - started < 8000, `${how} after ${after} took too long`);
    }
  }
  await untilIdle(database);
});

onServers("a server that sends faster than is read has to wait", async (database) => {
  await big(database);
  for (const sslmode of SSLMODES) {
    await using proxy = proxyTo(Number(new URL(database.url).port), "close", Infinity);
    const url = new URL(database.url);
    url.port = String(proxy.port);
    await using connector = await connect(url.href, { sslmode });
    let passed = 0;
    let waits = 0;
    const between = async () => {
      if (waits++ > 0) return;
      do {
        passed = proxy.passed();
        await new Promise((resolve) => setTimeout(resolve, 200));
      } while (proxy.passed() > passed);
    };
    const { proof } = await extract(connector, "big", { between });
    assert.equal(proof.rows, ROWS);
    // What the buffers of four sockets take.
    assert.ok(passed < 15_000_000, `${passed} bytes passed (sslmode ${sslmode})`);
    assert.ok(proxy.passed() > 20_000_000);
  }
});

onServers("a login that breaks or stays silent is given up in time", async (database) => {
  const port = Number(new URL(database.url).port);
  for (const how of BREAKS) {
    for (const after of [1, 50]) {
      await using proxy = proxyTo(port, how, after);
      const url = new URL(database.url);
      url.port = String(proxy.port);
      const started = performance.now();
      await assert.rejects(connect(url.href, { connect_timeout: 0.5 }), ConnectionError);
      assert.ok(performance.now() - started < 3000);
    }
  }
});

onServers("a load whose connection breaks rejects and leaves nothing", async (database) => {
  const port = Number(new URL(database.url).port);
  for (const how of BREAKS) {
    {
      await using proxy = proxyTo(port, how, 500_000, "client");
      const url = new URL(database.url);
      url.port = String(proxy.port);
      await using connector = await connect(url.href, { inactivity_timeout: 0.5 });
      await assert.rejects(
        load(connector, "fresh", stagedOf(FIELDS, records(200_000))),
        ConnectionError,
      );
      // A server that does not hear of the end would keep its locks as long as it waits for more rows.
      await untilIdle(database);
    }
    assert.deepEqual([...await database.sql("SELECT to_regclass('fresh') AS t")], [{ t: null }]);
  }
});

onServers("a load whose backend is killed rejects and leaves nothing", async (database) => {
  await using connector = await connect(database.url);
  const staged = stagedOf(FIELDS, records(20_000), {
    batchRows: 1000,
    async beforeBatch(index) {
      if (index !== 10) return;
      await database.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
      await new Promise((resolve) => setTimeout(resolve, 50));
    },
  });
  await assert.rejects(load(connector, "fresh", staged), /57P01|connection was lost/);
  assert.deepEqual([...await database.sql("SELECT to_regclass('fresh') AS t")], [{ t: null }]);
});

onServers("a refused row ends the load long before its end", async (database) => {
  await database.sql("CREATE TABLE checked (n int, t text, CHECK (n <> 2500))");
  await using connector = await connect(database.url);
  let batches = 0;
  const staged = stagedOf(FIELDS, records(100_000), {
    async beforeBatch() {
      batches++;
      await new Promise((resolve) => setTimeout(resolve, 1));
    },
  });
  await assert.rejects(load(connector, "checked", staged), /"checked_n_check".*23514/);
  assert.ok(batches < 50, `${batches} batches were read`);
});

onServers("an abort cancels what the server does for us", async (database) => {
  await database.sql("CREATE VIEW slow AS SELECT 1 AS n FROM pg_sleep(60)");
  await using connector = await connect(database.url);
  const controller = new AbortController();
  const fields: Field[] = [{ name: "n", dtype: "int32", nullable: true }];
  const work = extract(connector, "slow", { fields, signal: controller.signal });
  const stop = new Error("stopped by the test");
  setTimeout(() => controller.abort(stop), 200);
  const started = performance.now();
  await assert.rejects(work, stop);
  assert.ok(performance.now() - started < 3000);
  await untilIdle(database);
});

onServers("an abort of a load leaves nothing, whatever the server was doing", async (database) => {
  await database.sql(
    `CREATE TABLE slow (n int PRIMARY KEY, t text);
     CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_sleep(60); RETURN NEW; END $$;
     CREATE TRIGGER wait BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION wait()`,
  );
  for (const mode of ["append", "upsert"] as const) {
    await using connector = await connect(database.url);
    const controller = new AbortController();
    const stop = new Error("stopped by the test");
    setTimeout(() => controller.abort(stop), 300);
    await assert.rejects(
      load(connector, "slow", stagedOf(FIELDS, records(10)), {
        mode,
        upsertKeys: ["n"],
        signal: controller.signal,
      }),
      stop,
    );
    await untilIdle(database);
    assert.equal((await database.sql("SELECT FROM slow")).length, 0);
  }
});

onServers(
  "a control statement survives a lost connection, and silence ends one",
  async (database) => {
    await using connector = await connect(database.url, { inactivity_timeout: 0.5 });
    assert.deepEqual(await connector.query("SELECT 1 AS n"), [{ n: 1 }]);
    await assert.rejects(connector.query("SELECT pg_sleep(5)"), /silent for 0.5 s/);
    assert.deepEqual(await connector.query("SELECT 2 AS n"), [{ n: 2 }]);
    await assert.rejects(
      connector.query("SELECT pg_terminate_backend(pg_backend_pid())"),
      DXTError,
    );
    assert.deepEqual(await connector.query("SELECT 3 AS n"), [{ n: 3 }]);
  },
);

onServers("a connection that was closed while it was idle is made anew", async (database) => {
  await database.sql("CREATE TABLE few AS SELECT 1 AS n");
  await using connector = await connect(database.url);
  for (let time = 0; time < 3; time++) {
    assert.equal((await extract(connector, "few")).proof.rows, 1);
    await database.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND pid <> pg_backend_pid()`,
    );
  }
});
