/** Files behind HTTP: their names, copies, logins, and the contract of a store that is read. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { FilestoreConnector } from "../../../../src/core/contracts/connector.ts";
import type { ConnectContext } from "../../../../src/core/contracts/provider.ts";
import http from "../../../../src/providers/filestore/http/mod.ts";
import { Spool } from "../../../../src/providers/filestore/http/spool.ts";
import local from "../../../../src/providers/filestore/local/mod.ts";
import type { StreamRef } from "../../../../src/models/source.ts";
import { streamFields } from "../../../../src/providers/filestore/source/fields.ts";
import { testProvider } from "../../../conformance/provider.ts";
import { connectContext } from "../../../support/connect_context.ts";
import { withFolder } from "../../../support/run.ts";
import { head, type Response, serve, whole } from "./server.ts";

const CSV = "id,name\n1,one\n";

async function gzip(text: string): Promise<Uint8Array<ArrayBuffer>> {
  const zipped = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new globalThis.Response(zipped).arrayBuffer());
}

async function withStore(
  keys: Readonly<Record<string, unknown>>,
  answer: (target: string, head: string) => Response,
  work: (
    store: FilestoreConnector,
    about: { readonly folder: string; readonly requests: readonly string[] },
  ) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await using server = serve(answer);
    const config = http.config.parse({ url: server.url + (keys["query"] ?? ""), ...without(keys) });
    const store = await http.connect(config, connectContext(folder));
    try {
      await work(store, { folder, requests: server.requests });
    } finally {
      await store[Symbol.asyncDispose]();
    }
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), [], "copies are left");
  });
}

const without = ({ query: _query, ...keys }: Readonly<Record<string, unknown>>) => keys;

/** Paths, headers, and the name that the file gets. */
const NAMES: readonly [string, string[], string][] = [
  ["x.csv", [], "x.csv"],
  ["x.csv?v=2", ["content-type: application/octet-stream"], "x.csv"],
  ["x.csv", ["content-type: text/html"], "x.csv"],
  ["export", ["content-type: text/csv; charset=utf-8"], "export.csv"],
  ["export/", ["content-type: Application/JSON"], "file.json"],
  ["x.csv", ["content-encoding: gzip"], "x.csv.gz"],
  ["x.csv.gz", ["content-encoding: gzip"], "x.csv.gz"],
  ["export", ["content-type: text/csv", "content-encoding: zstd"], "export.csv.zst"],
  ["unknown", [], "unknown"],
];

Deno.test("a file is named by its URL, else by its content type, and by its encoding", async () => {
  for (const [path, headers, name] of NAMES) {
    await withStore({}, () => whole(CSV, ...headers), async (store) => {
      const [entry] = await store.list({ type: "file", path });
      assert.deepEqual(entry, { path, name, size: CSV.length });
    });
  }
});

Deno.test("a redirected file is named by its final URL, if only that names a format", async () => {
  const answer = (target: string) =>
    target === "/x.csv" ? whole(CSV) : [head("302 Found", "location: /x.csv")];
  await withStore({}, answer, async (store) => {
    assert.equal((await store.list({ type: "file", path: "latest" }))[0]!.name, "x.csv");
  });
});

Deno.test("text that is sent in gzip has its fields, and one request serves them and the records", async () => {
  const bytes = await gzip(CSV);
  const modified = "last-modified: Wed, 01 Jan 2025 00:00:00 GMT";
  const answer = () => whole(bytes, "content-encoding: gzip", modified);
  await withStore({}, answer, async (store, { requests }) => {
    const ref = { type: "file", path: "x.csv" } as const;
    assert.deepEqual((await store.getStreamFields(ref))!.map(({ name }) => name), ["id", "name"]);
    await using file = await store.openRead("x.csv");
    assert.deepEqual(await file.read(0, 1000), bytes);
    assert.equal((await store.list(ref))[0]!.modified, Date.UTC(2025, 0, 1));
    assert.equal((await store.estimate(ref)).kind, "csv file");
    assert.equal(requests.length, 1);
  });
});

Deno.test("an encoding that is not known is refused", () =>
  withStore({}, () => whole(CSV, "content-encoding: br"), async (store) => {
    await assert.rejects(
      store.list({ type: "file", path: "x.csv" }),
      /Cannot read "x.csv": the server encodes it as "br", expected gzip, zstd or none/,
    );
  }));

Deno.test("a page in place of a file is refused", () =>
  withStore({}, () => whole("\n<!DOCTYPE html>\n<title>Log in</title>\n"), async (store) => {
    await assert.rejects(
      store.list({ type: "file", path: "x.csv" }),
      /Cannot read "x.csv": the server sends an HTML page, expected a file; it may require a login$/,
    );
  }));

Deno.test("a server answers, whatever it says to the URL of a folder", async () => {
  for (const status of ["403 Forbidden", "500 Internal Server Error", "302 Found"]) {
    const response = [head(status, "server: one", "location: https://example.com/")];
    await withStore({}, () => response, async (store) => {
      assert.deepEqual(await store.testConnection(), { product: "HTTP", version: "one" });
    });
  }
});

Deno.test("a copy that fails leaves nothing, and the next read makes a new one", async () => {
  let isFirst = true;
  const answer = () => {
    if (!isFirst) return whole(CSV);
    isFirst = false;
    return [head("200 OK", "content-length: 100"), CSV];
  };
  await withStore({}, answer, async (store) => {
    await assert.rejects(store.openRead("x.csv"), /after 14 of 100 bytes/);
    await using file = await store.openRead("x.csv");
    assert.equal(file.size, CSV.length);
  });
});

Deno.test("the query of the connection is sent with each path, and its login", async () => {
  const keys = { query: "?sig=abc", user: "mé", password: "p:w" };
  await withStore(keys, () => whole(CSV), async (store, { requests }) => {
    await store.list({ type: "file", path: "in/x.csv?v=1" });
    assert.match(requests[0]!, /^GET \/in\/x\.csv\?v=1&sig=abc HTTP/);
    assert.match(requests[0]!, /^authorization: Basic bcOpOnA6dw==\r$/m);
  });
  await withStore({ token: "t0ken" }, () => whole(CSV), async (store, { requests }) => {
    await store.testConnection();
    assert.match(requests[0]!, /^authorization: Bearer t0ken\r$/m);
  });
});

Deno.test("a missing file is none, a pattern and another host are refused, nothing is written", () =>
  withStore({}, () => [head("404 Not Found", "content-length: 0")], async (store) => {
    const path = "x.csv";
    assert.equal(await store.getStreamFields({ type: "file", path }), undefined);
    assert.deepEqual((await store.checkRead({ type: "file", path })).problems, [
      'Cannot find file "x.csv": it does not exist',
    ]);
    await assert.rejects(store.openRead(path), /Cannot find file/);
    const glob = { type: "glob", pattern: "*.csv" } as const;
    await assert.rejects(store.list(glob), /Cannot list the files of a glob: HTTP lists none/);
    for (const away of ["http://example.com/x.csv", "//example.com/x.csv"]) {
      await assert.rejects(store.openRead(away), /it leads away from "http:\/\/127\.0\.0\.1:/);
    }
    assert.deepEqual((await store.checkWrite({ type: "file", path }, "replace")).problems, [
      "Cannot write over HTTP: its files can only be read",
    ]);
  }));

Deno.test("permissions are those of the host, of allowed hosts, and of the folder of copies", () =>
  withFolder(async (folder) => {
    const url = "https://example.com/data/";
    const config = http.config.parse({ url, hosts: ["cdn.example.com"] });
    const usage = { baseDirectory: folder, reads: [], writes: [] };
    const needs = () => http.permissions(config, usage);
    const net = ["example.com:443", "cdn.example.com"];
    const around = join(folder, ".dxt");
    assert.deepEqual(needs(), { net, read: [around], write: [around] });
    await Deno.mkdir(join(around, "http"), { recursive: true });
    const inside = join(around, "http");
    assert.deepEqual(needs(), { net, read: [inside], write: [inside] });
  }));

const SPOOL = new URL("../../../../src/providers/filestore/http/spool.ts", import.meta.url).href;

Deno.test("copies of a killed process are removed by the next one, those of others stay", () =>
  withFolder(async (folder) => {
    const around = join(folder, ".dxt", "http");
    const copies = async () =>
      (await Array.fromAsync(Deno.readDir(around))).map(({ name }) => name)
        .filter((name) => name.startsWith("copies-")).sort();
    const code = `const { Spool } = await import(${JSON.stringify(SPOOL)});
      await new Spool(${JSON.stringify(folder)}).write([new Uint8Array(3)]);
      Deno.kill(Deno.pid, "SIGKILL");`;
    const { signal } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", code],
      cwd: fileURLToPath(new URL("../../../..", import.meta.url)),
    }).output();
    assert.equal(signal, "SIGKILL");
    const [killed, ...others] = await copies();
    assert.deepEqual(others, []);
    const first = new Spool(folder);
    const path = await first.write(bytesOf("one"));
    const second = new Spool(folder);
    await second.write(bytesOf("two"));
    const left = await copies();
    assert.equal(left.length, 2);
    assert.ok(!left.includes(killed!));
    await second[Symbol.asyncDispose]();
    assert.equal(await Deno.readTextFile(path), "one");
    await first[Symbol.asyncDispose]();
    assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
  }));

async function* bytesOf(text: string): AsyncGenerator<Uint8Array, void, void> {
  yield new TextEncoder().encode(text);
  await Promise.resolve();
}

/**
 * A store that writes a local folder, and reads its files with the connector under test from a
 * server of this folder. A connector sees one state of a file, so each read has its own.
 */
async function connectBoth(config: { path?: string | undefined }, context: ConnectContext) {
  const folder = config.path!;
  const both = await local.connect(config, context);
  const [list, close] = [both.list.bind(both), both[Symbol.asyncDispose].bind(both)];
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async ({ url }) => {
      const path = join(folder, decodeURIComponent(new URL(url).pathname));
      const bytes = await Deno.readFile(path).catch(() => undefined);
      return new globalThis.Response(bytes ?? null, { status: bytes === undefined ? 404 : 200 });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}/`;
  const opened: FilestoreConnector[] = [];
  const open = async () => {
    const reads = await http.connect(http.config.parse({ url }), {
      ...context,
      baseDirectory: `${folder}-copies`,
    });
    opened.push(reads);
    return reads;
  };
  const toURL = (path: string) => path.split("/").map(encodeURIComponent).join("/");
  return Object.assign(both, {
    getStreamFields: (ref: StreamRef) => streamFields(both, ref, context),
    async list(ref: StreamRef) {
      if (ref.type !== "file") return await list(ref);
      const entries = await (await open()).list({ ...ref, path: toURL(ref.path) });
      return entries.map((entry) => ({ ...entry, path: ref.path }));
    },
    openRead: async (path: string) => (await open()).openRead(toURL(path)),
    async [Symbol.asyncDispose]() {
      for (const reads of opened) await reads[Symbol.asyncDispose]();
      await close();
      await server.shutdown();
    },
  });
}

for (const format of ["parquet", "arrow"]) {
  testProvider({
    provider: { ...local, connect: connectBoth },
    label: `http ${format}`,
    async connection() {
      const path = await Deno.makeTempDir({ prefix: "dxt-test-" });
      return { config: { path }, release: () => Deno.remove(path, { recursive: true }) };
    },
    target: (name) => ({ type: "file", path: `${name}.${format}` }),
  });
}
