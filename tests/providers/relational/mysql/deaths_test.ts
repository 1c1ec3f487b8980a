/** A server that dies or falls silent, in extraction and load: an error within its time, and nothing half. */
import assert from "node:assert/strict";
import { createExtractTask } from "../../../../src/arrow/mod.ts";
import { ConnectionError } from "../../../../src/core/errors.ts";
import type { MySQLConnector } from "../../../../src/providers/relational/mysql/connector.ts";
import { MySQLExtractor } from "../../../../src/providers/relational/mysql/extractor.ts";
import { MySQLLoader } from "../../../../src/providers/relational/mysql/loader.ts";
import type { Field } from "../../../../src/models/field.ts";
import { startMariaDB } from "../../../../scripts/services/mysql.ts";
import { stagedOf } from "../../../support/staged.ts";
import { mysqlTest } from "../../../support/services.ts";
import { proxyTo } from "../../../support/proxy.ts";
import { connect, freshDatabase, never, openSession } from "./support.ts";
import { ignoreIf } from "../../../support/ignore.ts";

const { missing } = mysqlTest("mariadb");
const FIELDS: readonly Field[] = [
  { name: "seq", dtype: "uint64", nullable: false },
  { name: "v", dtype: "string", nullable: true },
];

async function extract(connector: MySQLConnector, onBatch: (batches: number) => void) {
  const source = {
    type: "sql",
    sql: "SELECT seq, repeat('x', 200) AS v FROM seq_1_to_3000000",
  } as const;
  const projections = FIELDS.map((field) => ({ field, column: field.name }));
  const extraction = new MySQLExtractor(connector).extract(
    createExtractTask({ source, projections, batchRows: 4096, batchBytes: 1 << 22, signal: never }),
  );
  let batches = 0;
  for await (const _batch of extraction) onBatch(++batches);
}

async function load(connector: MySQLConnector, onBatch: (batches: number) => void) {
  const rows = Array.from({ length: 2000 }, (_, i) => ({ seq: BigInt(i), v: "x".repeat(200) }));
  const staged = stagedOf(FIELDS, rows, {
    batchRows: 100,
    beforeBatch: async (index) => {
      onBatch(index);
      await new Promise((resolve) => setTimeout(resolve, 20));
    },
  });
  await new MySQLLoader(connector).load({
    target: { type: "relation", name: "d.t" },
    staged,
    mode: "append",
    upsertKeys: [],
    lossy: "stop",
    signal: never,
  } as never);
}

for (const [what, work] of Object.entries({ extract, load })) {
  for (const signal of ["SIGKILL", "SIGSTOP"] as const) {
    Deno.test({
      ...ignoreIf(missing, `mariadb: ${signal} in ${what} is an error, within its time`),
      async fn() {
        const server = await startMariaDB("S");
        try {
          const url = server.env["S"]!;
          const pid = Number(await Deno.readTextFile(`${server.env["S_FOLDER"]}/pid`));
          const admin = await openSession(url);
          await admin.query("CREATE DATABASE d");
          await admin.close();
          const connector = await connect(url, {
            inactivity_timeout: 1,
            connect_timeout: 1,
            database: "d",
          });
          const began = performance.now();
          await assert.rejects(
            work(connector, (batches) => {
              if (batches === 3) Deno.kill(pid, signal);
            }),
            (error: unknown) =>
              error instanceof ConnectionError &&
              (signal === "SIGKILL" ? /connection was lost/ : /silent for 1 s/).test(error.message),
          );
          assert.ok(performance.now() - began < 15_000);
          if (signal === "SIGSTOP") Deno.kill(pid, "SIGCONT");
          await connector[Symbol.asyncDispose]();
        } finally {
          await server.stop();
        }
      },
    });
  }
}

Deno.test({
  ...ignoreIf(missing, "mariadb: a load whose connection falls silent frees its table"),
  async fn() {
    await using database = await freshDatabase(mysqlTest("mariadb").url);
    await database.sql("CREATE TABLE t (seq bigint unsigned, v text)");
    const url = new URL(database.url);
    await using proxy = proxyTo(Number(url.port), "silence", 60_000, "client");
    url.port = String(proxy.port);
    const rows = Array.from({ length: 20_000 }, (_, i) => ({ seq: BigInt(i), v: "x".repeat(200) }));
    const append = async (to: string) => {
      await using connector = await connect(to, { inactivity_timeout: 1 });
      return await new MySQLLoader(connector).load({
        target: { type: "relation", name: "t" },
        staged: stagedOf(FIELDS, rows),
        mode: "append",
        upsertKeys: [],
        lossy: "stop",
        signal: never,
      });
    };
    await assert.rejects(append(url.href), /silent for 1 s/);
    // The server would have kept the lock of the table as long as it waits for the rest of the rows.
    assert.equal((await append(database.url)).rows, rows.length);
  },
});
