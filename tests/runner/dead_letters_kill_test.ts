/** A run that is killed when its letters are on disk, right before or behind the commit of its load. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DatabaseSync } from "sqlite";
import { type FoundLetters, listLetters } from "../../src/integrity/dead_letters.ts";
import { ignoreIf } from "../support/ignore.ts";
import { runWell, withFolder } from "../support/run.ts";
import { freshDatabase, postgresTest } from "../support/services.ts";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));
const server = postgresTest(15);

interface Killer extends AsyncDisposable {
  readonly port: number;
}

/**
 * A proxy that calls `kill` when a client sends COMMIT while `isArmed`; the server gets the message only if
 * `isPassed`.
 */
function killAtCommit(
  target: number,
  isPassed: boolean,
  isArmed: () => Promise<boolean>,
  kill: () => void,
): Killer {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  const relay = async (client: Deno.Conn, server: Deno.Conn) => {
    const buffer = new Uint8Array(65_536);
    for (let size; (size = await client.read(buffer)) !== null;) {
      const bytes = buffer.subarray(0, size);
      const isCommit = new TextDecoder("latin1").decode(bytes).includes("COMMIT") &&
        await isArmed();
      if (isCommit) kill();
      if (isCommit && !isPassed) break;
      for (let at = 0; at < size;) at += await server.write(bytes.subarray(at));
    }
    server.close();
  };
  const done = (async () => {
    for await (const client of listener) {
      const server = await Deno.connect({ hostname: "127.0.0.1", port: target });
      open.push(client, server);
      relay(client, server).catch(() => {});
      server.readable.pipeTo(client.writable).catch(() => {});
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) {
        try {
          connection.close();
        } catch {
          // The other end has closed it.
        }
      }
      await done;
    },
  };
}

for (
  const [when, isPassed] of [["before the commit", false], ["behind the commit", true]] as const
) {
  Deno.test({
    ...ignoreIf(server.missing, `killed ${when}: no row is lost or twice, and letters are settled`),
    fn: () =>
      withFolder(async (folder) => {
        await using database = await freshDatabase(server.url);
        await database.sql("CREATE TABLE t (id int, word text NOT NULL)");
        using source = new DatabaseSync(join(folder, "source.db"));
        source.exec(
          "CREATE TABLE t (id INTEGER, word TEXT); INSERT INTO t VALUES (1, 'a'), (2, NULL), (3, 'c'), (4, 'text'), ('x', 'd')",
        );
        const pipelineTo = (port: string) => {
          const url = new URL(database.url);
          url.port = port;
          return {
            version: 1,
            name: "p",
            source: { provider: "sqlite", path: "source.db" },
            target: { url: url.href, sslmode: "disable" },
            streams: [{
              ...{ id: "t", source: "t", target: "public.t" },
              fields: [{ id: "id", dtype: "int32" }, { id: "word" }],
              error_handling: { on_transform_error: "skip", on_load_error: "skip" },
            }],
          };
        };
        const letters = (): Promise<FoundLetters[]> =>
          listLetters(join(folder, ".dxt", "dead_letters", "p", "t"));
        const rows = async () =>
          (await database.sql("SELECT id FROM t ORDER BY id")).map(({ id }) => id);

        let process: Deno.ChildProcess | undefined;
        {
          await using proxy = killAtCommit(
            Number(new URL(database.url).port),
            isPassed,
            async () => (await letters())[0]?.rows === 2,
            () => process!.kill("SIGKILL"),
          );
          const path = join(folder, "killed.yaml");
          await Deno.writeTextFile(path, JSON.stringify(pipelineTo(String(proxy.port))));
          process = new Deno.Command(Deno.execPath(), {
            args: ["run", "-A", "--no-check", MAIN, "run", path],
            stdout: "null",
            stderr: "null",
          }).spawn();
          assert.equal((await process.status).signal, "SIGKILL");
        }
        const [doubtful, ...more] = await letters();
        assert.deepEqual([doubtful!.rows, doubtful!.isInDoubt, more], [2, true, []]);

        const result = await runWell(folder, pipelineTo(new URL(database.url).port));
        assert.deepEqual(await rows(), [1, 3, 4]);
        const [settled, ...others] = await letters();
        assert.deepEqual([settled!.rows, settled!.isInDoubt, others], [2, false, []]);
        assert.deepEqual(settled!.reasons, { value: 1, null: 1 });
        const isSame = settled!.header.run_id === doubtful!.header.run_id;
        assert.deepEqual([isSame, settled!.header.run_id === result.run_id], [isPassed, !isPassed]);
      }),
  });
}
