/** Sets of permissions: put together, held to a ceiling, written as flags. */
import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import {
  exceedingGrants,
  formatFlags,
  mergePermissions,
  NOTHING,
} from "../../src/core/permissions.ts";
import type { Permissions } from "../../src/core/contracts/provider.ts";
import { isWithin, realPath } from "../../src/core/files/real_path.ts";
import { KINDS } from "../../src/core/permission_errors.ts";
import { HOST_SYNTAX, parseHost, PermissionLists } from "../../src/models/permissions.ts";
import { withFolder } from "../support/run.ts";
import { ignoreIf, notUnix } from "../support/ignore.ts";

const needs = (part: Partial<Permissions>): Permissions => ({ ...NOTHING, ...part });
const values = (grants: readonly { kind: string; value: string }[]) =>
  grants.map(({ kind, value }) => `${kind} ${value}`);

Deno.test("a union holds each value once, and nothing that another one includes", () => {
  const all = mergePermissions(
    needs({ net: ["b:1", "a:1"], read: ["/x/y", "/z"], env: ["B"], sys: ["cpus"] }),
    needs({ ffi: ["/l/x/../a.so"], sys: ["cpus"] }),
    needs({ net: ["a", "[::1]:5"], read: ["/x", "/xy"], write: ["/x/../w"], env: ["A", "B"] }),
  );
  assert.deepEqual(all, {
    net: ["[::1]:5", "a", "b:1"],
    read: ["/x", "/xy", "/z"],
    write: ["/w"],
    env: ["A", "B"],
    ffi: ["/l/a.so"],
    sys: ["cpus"],
  });
  assert.deepEqual(mergePermissions(), NOTHING);
});

Deno.test("a union covers its parts, and no more than they say", () => {
  const names = fc.constantFrom<string>("a", "b", "ab");
  const path = fc.array(names, { minLength: 1, maxLength: 3 }).map((parts) =>
    `/${parts.join("/")}`
  );
  const host = fc.tuple(names, fc.constantFrom("", ":1", ":2")).map((parts) => parts.join(""));
  const part = fc.record({
    net: fc.array(host, { maxLength: 4 }),
    read: fc.array(path, { maxLength: 4 }),
    write: fc.array(path, { maxLength: 4 }),
    env: fc.array(names, { maxLength: 2 }),
    ffi: fc.array(path, { maxLength: 2 }),
    sys: fc.array(fc.constantFrom<string[]>("hostname", "cpus", "uid"), { maxLength: 2 }),
  });
  const ceiling = (permissions: Permissions) => PermissionLists.parse(permissions);
  fc.assert(fc.property(fc.array(part, { maxLength: 4 }), (parts) => {
    const all = mergePermissions(...parts);
    for (const one of parts) assert.deepEqual(exceedingGrants(ceiling(all), one), []);
    for (const kind of KINDS) {
      for (const value of all[kind]) assert.ok(parts.some((one) => one[kind].includes(value)));
    }
  }));
});

Deno.test("a ceiling limits the kinds that it names, an empty one to nothing", () => {
  const wanted = needs({ net: ["a:1"], read: ["/r"], write: ["/w"], env: ["E"] });
  assert.deepEqual(exceedingGrants({}, wanted), []);
  assert.deepEqual(values(exceedingGrants({ net: [], env: [] }, wanted)), ["net a:1", "env E"]);
  assert.deepEqual(values(exceedingGrants({ read: ["/r"], write: [] }, wanted)), ["write /w"]);
});

Deno.test("a host is covered by itself with the same port, or without one", () => {
  const cases: [string, string, boolean][] = [
    ["a.example", "a.example:5432", true],
    ["a.example:5432", "a.example:5432", true],
    ["A.Example.:5432", "a.example:5432", true],
    ["a.example:5433", "a.example:5432", false],
    ["a.example:5432", "a.example", false],
    ["example", "a.example:5432", false],
    ["127.0.0.1", "localhost:5432", false],
    ["[::1]", "[::1]:5432", true],
    ["[0:0:0:0:0:0:0:1]:5432", "[::1]:5432", true],
    ["[::1]:5433", "[::1]:5432", false],
  ];
  for (const [allowed, host, covered] of cases) {
    const found = exceedingGrants({ net: [allowed] }, needs({ net: [host] }));
    assert.equal(found.length === 0, covered, `${allowed} covers ${host}`);
  }
});

Deno.test("a host is a name or an address, with a port that exists, and nothing else", () => {
  assert.deepEqual(parseHost("[FE80::1]:5432"), { name: "fe80::1", port: 5432 });
  assert.deepEqual(parseHost("db_1.internal"), { name: "db_1.internal" });
  for (
    const wrong of [
      "",
      ":5432",
      "a:0",
      "a:65536",
      "a:99999",
      "a:x",
      "a:",
      "a/b",
      "http://a",
      "a:1/b",
      "*.example.com",
      "10.0.0.0/8",
      "a b",
      " a",
      "::1",
      "::1:5432",
      "[::1",
      "[]",
      "[a]:1",
      "[::1]x",
      "-a",
      "a..b",
      "a,b",
    ]
  ) {
    assert.equal(parseHost(wrong), undefined, wrong);
    const { error } = PermissionLists.safeParse({ net: [wrong] });
    assert.ok(error !== undefined, wrong);
    if (wrong !== "") assert.equal(error.issues[0]!.message, HOST_SYNTAX);
  }
  for (const list of [{ read: [""] }, { env: ["A=B"] }, { env: ["A B"] }, { net: "a" }]) {
    assert.ok(!PermissionLists.safeParse(list).success, JSON.stringify(list));
  }
});

Deno.test("paths are compared by whole parts, whether they exist or not", () =>
  withFolder((folder) => {
    const at = (path: string) => join(folder, path);
    const missing = (allowed: string, path: string) =>
      exceedingGrants({ read: [at(allowed)] }, needs({ read: [at(path)] })).length > 0;
    assert.ok(!missing("a", "a"));
    assert.ok(!missing("a", "a/b/c"));
    assert.ok(!missing("a/", "a/b"));
    assert.ok(!missing("x/../a", "a/./b"));
    assert.ok(missing("a", "ab"));
    assert.ok(missing("a/b", "a"));
    assert.ok(missing("a", "a/../b"));
    assert.ok(isWithin("/anything", "/"));
    return Promise.resolve();
  }));

Deno.test({
  ...ignoreIf(
    notUnix,
    "a link is what it leads to, on both sides, also where nothing is there yet",
  ),
  fn: () =>
    withFolder(async (folder) => {
      const at = (path: string) => join(folder, path);
      for (const path of ["in", "out"]) await Deno.mkdir(at(path));
      await Deno.symlink("../out", at("in/away"));
      await Deno.symlink(at("in"), at("same"));
      await Deno.symlink("../out/new/file", at("in/dangling"));
      await Deno.symlink("circle", at("circle"));
      const real = await Deno.realPath(folder);
      assert.equal(realPath(at("same/x/y")), join(real, "in/x/y"));
      assert.equal(realPath(at("in/away/x")), join(real, "out/x"));
      assert.equal(realPath(at("in/dangling")), join(real, "out/new/file"));
      assert.throws(() => realPath(at("circle/x")), /Cannot follow the links of .*: too many/);
      const missing = (allowed: string, path: string) =>
        exceedingGrants({ write: [at(allowed)] }, needs({ write: [at(path)] })).length > 0;
      assert.ok(missing("in", "in/away/x"), "a link leads out of the folder");
      assert.ok(missing("in", "in/dangling"), "a link would make a file elsewhere");
      assert.ok(!missing("out", "in/away/x"));
      assert.ok(!missing("same", "in/x"));
      assert.ok(!missing("in", "same/x"));
    }),
});

Deno.test("flags name what is needed, a kind that needs nothing has none", () => {
  const flags = formatFlags(needs({ net: ["[::1]:5432", "a:1"], read: ["/a b/c"] }));
  assert.deepEqual(flags, ["--allow-net=[::1]:5432,a:1", "--allow-read=/a b/c"]);
  assert.deepEqual(formatFlags(NOTHING), []);
  assert.throws(() => formatFlags(needs({ write: ["/a,b"] })), {
    name: "ConfigurationError",
    message: /^Cannot write --allow-write for "\/a,b": it contains a comma/,
  });
});

Deno.test("what the process was not granted is found without asking", async () => {
  const mod = new URL("../../src/core/permissions.ts", import.meta.url).href;
  const code = `import { missingGrants } from ${JSON.stringify(mod)};
    const needs = { net: ["a:1", "b:2"], read: ["/a/b", "/c"], write: ["/a"], env: ["A", "B"],
      ffi: ["/l/a.so", "/m.so"], sys: ["hostname", "cpus"] };
    console.log(JSON.stringify(missingGrants(needs).map(({ kind, value }) => kind + value)));
    try { missingGrants({ ...needs, net: ["a b:1"] }); } catch (error) { console.log(error.message); }`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-check", "--config", "deno.json"],
      ...["--allow-net=a", "--allow-read=/a", "--allow-env=B"],
      ...["--allow-ffi=/l", "--allow-sys=cpus"],
      `data:text/javascript,${encodeURIComponent(code)}`,
    ],
    cwd: new URL("../../", import.meta.url),
  }).output();
  assert.deepEqual(new TextDecoder().decode(stdout).split("\n"), [
    '["netb:2","read/c","write/a","envA","ffi/m.so","syshostname"]',
    'Cannot use net permission of "a b:1": the runtime rejects it',
    "",
  ]);
});

Deno.test("a unix socket is allowed by its own name and no other", () => {
  const socket = "unix:/run/pg/.s.PGSQL.5432";
  const one = needs({ net: [socket] });
  for (
    const [net, missing] of [
      [[socket], 0],
      [["unix:/run/pg"], 1],
      [["unix:/run/pg/.s.PGSQL.5433"], 1],
      [["localhost:5432"], 1],
      [[], 1],
    ] as const
  ) {
    assert.equal(exceedingGrants({ net: [...net] }, one).length, missing, net.join());
  }
  assert.equal(PermissionLists.safeParse({ net: [socket] }).success, true);
  for (const net of ["unix:", "unix:run/pg", "unix:/a,b", "/run/pg"]) {
    assert.equal(PermissionLists.safeParse({ net: [net] }).success, false, net);
  }
});
