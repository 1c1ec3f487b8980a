/** Locks of other programs that a load waits for. */
import assert from "node:assert/strict";
import { MySQLLoader } from "../../../../src/providers/relational/mysql/loader.ts";
import { stagedOf } from "../../../support/staged.ts";
import { connect, never, onServers, openSession } from "./support.ts";

const LOCKS = {
  "a row": {
    take: ["START TRANSACTION", "DELETE FROM t"],
    message: (id: string) =>
      new RegExp(
        `^Waiting for a lock on "\\w+\\.t": connection ${id} \\(user "dxt", from .*, command Sleep, in a transaction since \\d{4}-.*\\) holds`,
      ),
  },
  "a table's definition": {
    take: ["LOCK TABLES t WRITE"],
    message: () =>
      /^Waiting for a lock of the server, "Waiting for table metadata lock": MySQL does/,
  },
};

for (const [what, { take, message }] of Object.entries(LOCKS)) {
  onServers(
    `a lock on ${what} that is waited for is told, with its holder`,
    async ({ url, sql }) => {
      await sql("CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB");
      await sql("INSERT INTO t VALUES (1)");
      const holder = await openSession(url);
      try {
        const warnings: string[] = [];
        await using connector = await connect(url, {}, never, warnings);
        const { rows: [id] } = await holder.query("SELECT CONNECTION_ID()");
        for (const statement of take) await holder.query(statement);
        const loading = new MySQLLoader(connector).load({
          target: { type: "relation", name: "t" },
          staged: stagedOf([{ name: "id", dtype: "int32", nullable: false }], [{ id: 2 }]),
          mode: "replace",
          upsertKeys: [],
          signal: never,
        });
        while (warnings.length === 0) await new Promise((resolve) => setTimeout(resolve, 100));
        await holder.close();
        assert.equal((await loading).rows, 1);
        assert.match(warnings[0]!, message(id![0]!));
      } finally {
        await holder.close();
      }
    },
  );
}
