/**
 * Tests that look into /proc, which takes all permissions: `live_test.ts` runs them in a process of
 * their own.
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { measure } from "../../scripts/measure.ts";
import {
  allProcesses,
  familyCPU,
  machineTime,
  ProcessTree,
  readStat,
} from "../../scripts/bench/proc.ts";
import { waitForQuiet } from "../../scripts/bench/quiet.ts";

const bash = (script: string) => ["bash", "-c", script];

Deno.test("the machine's time goes on", () => {
  const [first, second] = [machineTime()!, machineTime()!];
  assert.ok(first.all > first.busy && second.all >= first.all);
});

Deno.test("a tree has the processes below its root and no others", async () => {
  const children = [1, 2].map(() =>
    new Deno.Command("bash", { args: ["-c", "sleep 60 & wait"], stdin: "null" }).spawn()
  );
  const [one, other] = children.map(({ pid }) => new ProcessTree(pid));
  try {
    while (one!.look().length < 2 || other!.look().length < 2) await delay(10);
    assert.ok(one!.look().includes(children[0]!.pid));
    assert.deepEqual(one!.look().filter((pid) => other!.look().includes(pid)), []);
    assert.ok(other!.look().every((pid) => allProcesses().includes(pid)));
  } finally {
    for (const pid of [...one!.look(), ...other!.look()]) Deno.kill(pid);
    await Promise.all(children.map(({ status }) => status));
  }
  while (one!.look().length > 0) await delay(10);
});

Deno.test("a family's CPU has that of children who ended, and nothing of a process that is not there", async () => {
  const before = familyCPU(Deno.pid)!;
  await new Deno.Command("bash", {
    args: ["-c", "for ((i = 0; i < 200000; i++)); do :; done"],
  }).output();
  assert.ok(familyCPU(Deno.pid)! > before);
  assert.equal(familyCPU(2 ** 30), undefined);
  assert.equal(readStat(2 ** 30), undefined);
});

Deno.test("a family's CPU never becomes less while children come and go", async () => {
  const one = "for ((j = 0; j < 60000; j++)); do :; done";
  const child = new Deno.Command("bash", {
    args: ["-c", `for i in {1..12}; do bash -c '${one}'; done`],
    stdin: "null",
  }).spawn();
  const seen: number[] = [];
  const sampling = setInterval(() => {
    const cpu = familyCPU(child.pid);
    if (cpu !== undefined) seen.push(cpu);
  }, 1);
  await child.status;
  clearInterval(sampling);
  assert.ok(seen.length > 10 && seen[0]! < seen.at(-1)!, `${seen}`);
  // The kernel rounds each sum to hundredths; each child takes more than a tenth.
  const most = seen.map((_, at) => Math.max(...seen.slice(0, at + 1)));
  assert.ok(seen.every((value, at) => value > most[at]! - 0.05), `${seen}`);
});

Deno.test("a command's exit code, time and errors are reported", async () => {
  const figure = await measure(bash("sleep 0.2; echo wrong >&2; exit 3"), { keepErrors: true });
  assert.equal(figure.code, 3);
  assert.ok(figure.seconds >= 0.2);
  assert.equal(figure.errors, "wrong\n");
});

Deno.test("a command runs where it is told to, with what it is told", async () => {
  const script = '[ "$PWD" = / ] && [ "$GREETING" = hello ]';
  assert.equal((await measure(bash(script), { cwd: "/", env: { GREETING: "hello" } })).code, 0);
});

Deno.test("CPU of a command's children counts, and sleeping is none", async () => {
  const busy = await measure(bash("bash -c 'for ((i = 0; i < 300000; i++)); do :; done'; true"));
  assert.ok(busy.cpu! > 0.1, `${busy.cpu} s`);
  const idle = await measure(bash("sleep 0.3"));
  assert.ok(idle.cpu! <= 0.1, `${idle.cpu} s`);
});

Deno.test("memory of a command's children counts together", async () => {
  const held = "const held = new Uint8Array(1e8).fill(1)";
  const wait = "await new Promise((done) => setTimeout(done, 1500))";
  const one = `"${Deno.execPath()}" eval '${held}; ${wait}; held[0] = 2'`;
  const alone = await measure(bash(`${one}; true`));
  const both = await measure(bash(`${one} & ${one}; wait`));
  assert.ok(alone.peak > 95, `${alone.peak} MiB`);
  assert.ok(both.peak > alone.peak + 80, `${both.peak} MiB, alone ${alone.peak} MiB`);
});

Deno.test("a command that hangs is killed with its children", async () => {
  const figure = await measure(bash("sleep 60 & sleep 60; wait"), {
    keepErrors: true,
    limit: 0.3,
  });
  assert.ok(figure.seconds < 10);
  assert.notEqual(figure.code, 0);
});

Deno.test("a busy machine is waited for, and not for ever", async () => {
  const [program, ...args] = bash("while :; do :; done");
  const busy = navigator.hardwareConcurrency;
  const children = Array.from({ length: busy }, () => new Deno.Command(program!, { args }).spawn());
  try {
    const seen = (await waitForQuiet(0.8))!;
    assert.ok(!seen.quiet && seen.busy > 0.5, JSON.stringify(seen));
    assert.ok(seen.waited >= 0.8 && seen.waited < 10);
  } finally {
    for (const child of children) child.kill();
    await Promise.all(children.map(({ status }) => status));
  }
});
