/** What the runtime refuses, in the words of somebody who may grant it. */
import assert from "node:assert/strict";
import { resolve } from "node:path";
import { messageOf } from "../../src/core/errors.ts";
import { missingPermission, shellWord } from "../../src/core/permission_errors.ts";

const GRANT = new URL("../../src/core/permission_errors.ts", import.meta.url).href;

/** What `missingPermission` says of each of these attempts, in a process without permissions. */
async function denials(attempts: readonly string[], thread = false): Promise<string[]> {
  const body = `import { missingPermission } from ${JSON.stringify(GRANT)};
    const told = [];
    for (const attempt of [${attempts.map((code) => `() => { ${code} }`).join(",")}]) {
      try { attempt(); told.push("done"); } catch (error) { told.push(missingPermission(error)); }
    }`;
  const inside = `${body} postMessage(told);`;
  const code = thread
    ? `const worker = new Worker(${
      JSON.stringify(`data:text/javascript,${encodeURIComponent(inside)}`)
    }, { type: "module", deno: { permissions: "none" } });
      worker.onmessage = ({ data }) => { console.log(JSON.stringify(data)); worker.terminate(); };`
    : `${body} console.log(JSON.stringify(told));`;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-check", "--config", "deno.json"],
      ...(thread ? ["--allow-read"] : []),
      `data:text/javascript,${encodeURIComponent(code)}`,
    ],
    cwd: new URL("../../", import.meta.url),
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assert.notEqual(out, "", err);
  return JSON.parse(out!);
}

Deno.test("what the runtime refuses is reported with the exact flag, paths absolute", async () => {
  const found = await denials([
    'Deno.readTextFileSync("a b.txt")',
    'Deno.writeTextFileSync("/x/y", "")',
    'Deno.env.get("SHOP")',
    "Deno.env.toObject()",
    'new Deno.Command("ls").outputSync()',
    "Deno.hostname()",
    "Deno.makeTempFileSync()",
  ]);
  const file = resolve("a b.txt");
  assert.deepEqual(found, [
    `dxt may not read "${file}": run it with '--allow-read=${file}'`,
    'dxt may not write "/x/y": run it with --allow-write=/x/y',
    'dxt may not read variable "SHOP": run it with --allow-env=SHOP',
    "dxt lacks env permission: run it with --allow-env",
    'dxt may not start "ls": run it with --allow-run=ls',
    'dxt may not read system fact "hostname": run it with --allow-sys=hostname',
    "dxt may not write <TMP>: run it with --allow-write",
  ]);
});

Deno.test("in a thread it is the connection that did not say what it needs", async () => {
  assert.deepEqual(await denials(['Deno.env.get("SHOP")'], true), [
    'dxt may not read variable "SHOP": its connection does not declare this permission (--allow-env=SHOP)',
  ]);
});

Deno.test("a file of the system itself is reported as one, with the way out", () => {
  for (
    const path of ["/dev/shm/x.db", "/dev/full", "/proc/x.db", "/sys/x", "/dev/fd/1", "/dev/a b"]
  ) {
    const words = `Requires all access to "${path}", run again with the --allow-all flag`;
    const told = missingPermission(new Deno.errors.NotCapable(words))!;
    assert.ok(
      told.startsWith(`dxt cannot use "${path}": the runtime denies workers all files below /dev`),
      told,
    );
    assert.doesNotMatch(told, /--allow/);
  }
});

Deno.test("a refused connection is reported with host and port, any other error as it is", async () => {
  const code = `import { messageOf } from ${
    JSON.stringify(new URL("../../src/core/errors.ts", import.meta.url).href)
  };
    for (const hostname of ["db.example", "::1"]) {
      try { await Deno.connect({ hostname, port: 5432 }); } catch (e) { console.log(messageOf(e)); }
    }`;
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--no-prompt", "--no-check", "--config", "deno.json"],
      `data:text/javascript,${encodeURIComponent(code)}`,
    ],
    cwd: new URL("../../", import.meta.url),
  }).output();
  assert.deepEqual(new TextDecoder().decode(stdout).trim().split("\n"), [
    'dxt may not connect to "db.example:5432": run it with --allow-net=db.example:5432',
    `dxt may not connect to "[::1]:5432": run it with '--allow-net=[::1]:5432'`,
  ]);
  assert.equal(missingPermission(new Deno.errors.NotFound("x")), undefined);
  assert.equal(missingPermission(new Deno.errors.NotCapable("other words")), undefined);
  assert.equal(messageOf(new Deno.errors.NotCapable("other words")), "other words");
});

Deno.test("a word that a shell would change is quoted", () => {
  assert.equal(shellWord("--allow-net=a.b:1,c_d@e"), "--allow-net=a.b:1,c_d@e");
  assert.equal(shellWord("it's here"), `'it'\\''s here'`);
  for (const text of ["a b", "$HOME", "`x`", "a;b", "[::1]", "*", "~x", "a\\b", ""]) {
    assert.equal(shellWord(text), `'${text}'`);
  }
});
