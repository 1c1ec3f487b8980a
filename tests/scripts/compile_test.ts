import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { listBuilds, nameBinary, parseOptions } from "../../scripts/compile.ts";
import { findCause } from "../../scripts/compile/cause.ts";
import { targetOfRuntime, TARGETS } from "../../scripts/compile/targets.ts";
import { listThreads } from "../../scripts/compile/threads.ts";
import config from "../../deno.json" with { type: "json" };

Deno.test("a binary is built for this machine, for one target, or for all", () => {
  const outputs = (...args: string[]) =>
    listBuilds(args).map(({ target, output }) => [target, output]);
  const name = `dxt-${config.version}`;
  assert.deepEqual(outputs(), [[undefined, "dist/dxt"]]);
  assert.deepEqual(outputs("--output", "a/b"), [[undefined, "a/b"]]);
  const target = "aarch64-apple-darwin";
  assert.deepEqual(outputs("--target", target), [[target, `dist/${name}-${target}`]]);
  assert.deepEqual(outputs("--target", target, "--output=x"), [[target, "x"]]);
  assert.deepEqual(
    outputs("--all", "--output", "out").map(([, output]) => output),
    [
      `out/${name}-x86_64-unknown-linux-gnu`,
      `out/${name}-aarch64-unknown-linux-gnu`,
      `out/${name}-x86_64-apple-darwin`,
      `out/${name}-aarch64-apple-darwin`,
      `out/${name}-x86_64-pc-windows-msvc.exe`,
    ],
  );
  assert.equal(nameBinary(target), `${name}-${target}`);
});

Deno.test("permissions are compiled in as they stand, and nothing else is taken for one", () => {
  const given = ["--allow-net=db:5432,api.test", "--allow-read=/data", "--deny-env", "--allow-ffi"];
  assert.deepEqual(listBuilds(given)[0]!.permissions, given);
  for (const wrong of ["--allow-nett=a", "--allow-all", "-A", "--allow-net=", "--no-prompt", "x"]) {
    assert.throws(() => parseOptions([wrong]), wrong);
  }
  assert.throws(() => parseOptions(["--target", "riscv"]), {
    message: `Unknown target "riscv", known are ${TARGETS.join(", ")}`,
  });
});

Deno.test("the runtime of another machine is known by its first bytes", () => {
  const bytes = (hex: string) => Uint8Array.fromHex(hex.padEnd(40, "0"));
  const elf = (machine: string) => bytes(`7f454c460201010000000000000000000300${machine}`);
  assert.equal(targetOfRuntime(elf("3e00")), "x86_64-unknown-linux-gnu");
  assert.equal(targetOfRuntime(elf("b700")), "aarch64-unknown-linux-gnu");
  assert.equal(targetOfRuntime(elf("f300")), undefined);
  assert.equal(targetOfRuntime(bytes("cffaedfe07000001")), "x86_64-apple-darwin");
  assert.equal(targetOfRuntime(bytes("cffaedfe0c000001")), "aarch64-apple-darwin");
  assert.equal(targetOfRuntime(bytes("4d5a9000")), "x86_64-pc-windows-msvc");
  assert.equal(targetOfRuntime(bytes("23212f62")), undefined);
});

Deno.test("the modules that threads begin with are found", async () => {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const threads = await listThreads(root);
  assert.ok(threads.includes("src/runner/worker/inside/entry.ts"), threads.join());
  for (const path of threads) assert.ok((await Deno.stat(join(root, path))).isFile);
});

Deno.test("what went wrong is reported on one line, each cause once", () => {
  const told = `error: Writing deno compile executable to temporary file 'dxt.tmp-1'

Caused by:
    0: Setting up base binary.
    1: error sending request for url (https://host/x.zip): client error (Connect): dns error
    2: client error (Connect)
    3: dns error

Stack backtrace:
   0: <unknown>
`;
  assert.equal(
    findCause(told),
    "Setting up base binary: error sending request for url (https://host/x.zip): " +
      "client error (Connect): dns error",
  );
  assert.equal(
    findCause("error: Module not found.\n\nStack backtrace:\n   0: a"),
    "Module not found.",
  );
});
