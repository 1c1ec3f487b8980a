/** Files behind HTTP as sources of runs: whole programs, in workers with the permissions of their run. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { withFolder } from "../../support/run.ts";
import {
  head,
  type Response,
  serve,
  type Server,
  whole,
} from "../../providers/filestore/http/server.ts";
import { program } from "../program.ts";

const CSV = "id,name\n1,one\n2,two\n";

async function withServer(
  answer: (target: string) => Response,
  work: (server: Server, folder: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await using server = serve(answer);
    await work(server, folder);
  });
}

async function names(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
}

Deno.test("a compressed file behind HTTP goes into a table, and its first records are shown", async () => {
  const zipped = new Blob([CSV]).stream().pipeThrough(new CompressionStream("gzip"));
  const bytes = new Uint8Array(await new globalThis.Response(zipped).arrayBuffer());
  await withServer(() => whole(bytes), async ({ url }, folder) => {
    const from = `${url}in/x.csv.gz`;
    const run = await program(folder, ["run", "--from", from, "--to", "w.db"]);
    assert.equal(run.code, 0, run.err);
    {
      using database = new DatabaseSync(join(folder, "w.db"));
      const rows = database.prepare("SELECT * FROM x").all().map((row) => ({ ...row }));
      assert.deepEqual(rows, [{ id: 1, name: "one" }, { id: 2, name: "two" }]);
    }
    const shown = await program(folder, ["head", from, "-o", "ndjson", "-n", "1"]);
    assert.equal(shown.out, '{"id":"1","name":"one"}\n', shown.err);
    assert.deepEqual(await names(folder), ["w.db"]);
  });
});

Deno.test("nothing is loaded of a body that is cut, in any attempt of a run", () =>
  withServer(() => [head("200 OK", "content-length: 100"), CSV], async (server, folder) => {
    const ends = ["--from", `${server.url}x.csv`, "--to", "w.db"];
    const { code, err } = await program(folder, ["run", ...ends, "--retries", "1"]);
    assert.equal(code, 1);
    assert.match(err, /Cannot read "http:\/\/127\.0\.0\.1:\d+\/x\.csv": after 20 of 100 bytes/);
    assert.equal(server.requests.length, 2);
    assert.deepEqual(await names(folder), []);
  }));

Deno.test("a login and a token in a URL are used and never shown", () =>
  withServer(() => whole(CSV), async (server, folder) => {
    const url = server.url.replace("//", "//me:hunter22@");
    const query = "?token=hunter33&code=hunter/44==";
    const ends = ["--from", `${url}x.csv${query}`, "--to", "x.parquet"];
    for (const command of ["plan", "test", "run"]) {
      const { code, out, err } = await program(folder, [command, ...ends, "-v"]);
      assert.equal(code, 0, err);
      assert.doesNotMatch(out + err, /hunter/);
    }
    const yaml = await program(folder, ["discover", `${url}x.csv${query}`, "-f", "yaml"]);
    assert.doesNotMatch(yaml.out + yaml.err, /hunter/);
    for (const request of server.requests) {
      assert.match(request, /^authorization: Basic bWU6aHVudGVyMjI=\r$/m);
    }
    assert.match(server.requests[0]!, /^GET \/x\.csv\?token=hunter33&code=hunter%2F44%3D%3D HTTP/);
    const pipeline = (more: string) =>
      Deno.writeTextFile(
        join(folder, "p.yaml"),
        `version: 1\nname: p\nsource: { provider: http, url: "${server.url}?key=hunter55" }\n` +
          `target: sqlite:w.db\nstreams:\n  - id: x\n    source: { type: file, path: "x.csv${query}" }\n${more}`,
      );
    await pipeline("    oops: 1\n");
    const shown = [await program(folder, ["validate", "p.yaml"])];
    await pipeline("");
    const log = ["--log-file", "l.log", "--log-level", "debug"];
    shown.push(await program(folder, ["list", "p.yaml", "-o", "json"]));
    shown.push(await program(folder, ["plan", "p.yaml", "-o", "json"]));
    shown.push(await program(folder, ["extract", "p.yaml", "-o", "json", ...log]));
    assert.deepEqual(shown.map(({ code }) => code), [2, 0, 0, 0]);
    for (const { out, err } of shown) assert.doesNotMatch(out + err, /hunter/);
    for (const file of ["l.log", ".dxt/stage/p/x/manifest.json"]) {
      assert.doesNotMatch(await Deno.readTextFile(join(folder, file)), /hunter/);
    }
  }));

Deno.test("a redirect leads to another host only where the pipeline allows that", () =>
  withServer(() => whole(CSV), async (other, folder) => {
    await using server = serve(() => [head("302 Found", `location: ${other.url}y.csv`)]);
    const pipeline = (hosts: string) =>
      Deno.writeTextFile(
        join(folder, "p.yaml"),
        "version: 1\nname: p\n" +
          `source: { provider: http, url: "${server.url}"${hosts} }\n` +
          "target: { provider: local, path: . }\nbuffer: { format: passthrough }\n" +
          "streams: [{ id: x, source: x.csv, target: out/ }]\n",
      );
    await pipeline("");
    const refused = await program(folder, ["run", "p.yaml"]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /redirected to host ".*", which its connection does not allow: use/);
    await pipeline(`, hosts: ["${other.host}"]`);
    const { code, err } = await program(folder, ["run", "p.yaml"]);
    assert.equal(code, 0, err);
    assert.equal(await Deno.readTextFile(join(folder, "out", "x.csv")), CSV);
  }));
