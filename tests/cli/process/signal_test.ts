import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Signal } from "../../../src/cli/main.ts";
import { Interruption } from "../../../src/cli/app/signals.ts";
import { Progress } from "../../../src/cli/output/run/progress.ts";
import { Printer } from "../../../src/cli/output/printer.ts";
import type { RunOptions } from "../../../src/runner/mod.ts";
import { withFolder } from "../../support/run.ts";
import { dxt, Exited, fakeEngine, fakeIO, runResult, streamResult } from "../fakes.ts";
import { ignoreIf, notUnix } from "../../support/ignore.ts";

/** A run that a signal interrupts after it began. */
function interrupted(signal: Signal, after: (options: RunOptions) => ReturnType<typeof runResult>) {
  const io = fakeIO();
  const engine = fakeEngine({
    run(options) {
      assert.equal(options.signal.aborted, false);
      assert.equal(io.send(signal), true);
      assert.equal(options.signal.aborted, true);
      return after(options);
    },
  });
  return { io, engine };
}

const cancelled = () => runResult([streamResult("a", { status: "cancelled" })], "cancelled");

for (const [signal, expected] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
  Deno.test(`${signal} aborts the run, which ends with ${expected} after it cleaned up`, async () => {
    const { io, engine } = interrupted(signal, cancelled);
    const { code, out, err } = await dxt("run a.yaml", { io, engine });
    assert.equal(code, expected);
    assert.match(out, /cancelled/);
    assert.match(err, new RegExp(`^warning: ${signal}: stopping and cleaning up`));
    assert.equal(io.send(signal), false);
  });

  Deno.test(`${signal} during a load keeps the whole stage, and the very load is reported`, async () => {
    const { io, engine } = interrupted(signal, () =>
      runResult([
        streamResult("a", { status: "cancelled", stage: ".dxt/stage/shop/a" }),
        streamResult("b", { status: "cancelled" }),
      ], "cancelled"));
    const args = "run a.yaml --threads 2 --env-file my.env --var A=b$c --select a,b";
    const { code, err } = await dxt(args, { io, engine });
    assert.equal(code, expected);
    assert.match(
      err,
      /the staged data is kept, load it with: dxt load a\.yaml --select a --threads 2 --env-file my\.env --var 'A=b\$c'\n$/,
    );
    const load = interrupted(signal, () =>
      runResult(
        [streamResult("a", { status: "cancelled", stage: ".dxt/stage/shop/a" })],
        "cancelled",
      ));
    assert.match(
      (await dxt("load a.yaml", load)).err,
      /is kept, load it with: dxt load a\.yaml --select a\n$/,
    );
  });

  Deno.test(`an error that ${signal} caused is no failure`, async () => {
    const { io, engine } = interrupted(signal, ({ signal }) => {
      signal.throwIfAborted();
      return cancelled();
    });
    const { code, err } = await dxt("run a.yaml", { io, engine });
    assert.equal(code, expected);
    assert.doesNotMatch(err, /error/);
  });
}

Deno.test("a signal that comes when everything was loaded changes nothing", async () => {
  const { io, engine } = interrupted("SIGINT", () => runResult([streamResult("a")]));
  assert.equal((await dxt("run a.yaml", { io, engine })).code, 0);
});

Deno.test("the second signal ends the process at once, with its own code", async () => {
  const codes: number[] = [];
  const { io, engine } = interrupted("SIGINT", () => {
    try {
      io.send("SIGTERM");
    } catch (error) {
      codes.push((error as Exited).code);
    }
    return cancelled();
  });
  await dxt("run a.yaml", { io, engine });
  assert.deepEqual(codes, [143]);
});

Deno.test("a signal ends the process in bounded time when nothing stops, with its own code", async () => {
  const exited = Promise.withResolvers<number>();
  const fake = fakeIO();
  const io = { ...fake, exit: (code: number) => exited.resolve(code) as never };
  const printer = new Printer(fake, { quiet: false, verbose: false });
  using interruption = new Interruption(io, printer, 5);
  fake.send("SIGTERM");
  assert.equal(interruption.signal.aborted, true);
  assert.equal(await exited.promise, 143);
  assert.match(fake.err, /warning: SIGTERM: ended after 0\.005 s, a worker did not stop\n$/);
});

Deno.test("nothing ends the process after what was interrupted has stopped", async () => {
  const codes: number[] = [];
  const fake = fakeIO();
  const io = { ...fake, exit: (code: number) => codes.push(code) as never };
  {
    using _interruption = new Interruption(
      io,
      new Printer(fake, { quiet: true, verbose: false }),
      5,
    );
    fake.send("SIGINT");
  }
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.deepEqual(codes, []);
});

Deno.test("nobody listens for signals outside a run", async () => {
  const io = fakeIO();
  const engine = fakeEngine({ check: () => assert.equal(io.send("SIGINT"), false) });
  assert.equal((await dxt("validate a.yaml", { io, engine })).code, 0);
});

Deno.test("a long phase is reported again and again, until its stream has finished", async () => {
  const io = fakeIO();
  const lines = () => io.err.split("\n").length - 1;
  const progress = new Progress(new Printer(io, { quiet: false, verbose: false }), "run", {
    interval: 5,
  });
  progress.onEvent({ type: "stream_started", stream: "orders" });
  await until(() => lines() >= 2);
  assert.match(io.err, /^orders: started\norders: waiting for the source, 0\.\ds\n/);
  progress.onEvent({
    type: "progress",
    stream: "orders",
    phase: "extract",
    rows: 500_000,
    bytes: 2 ** 19,
  });
  await new Promise((resolve) => setTimeout(resolve, 5));
  progress.onEvent({
    type: "progress",
    stream: "orders",
    phase: "extract",
    rows: 1_000_000,
    bytes: 2 ** 20,
  });
  await until(() =>
    /orders: extracting, 1,000,000 rows, 1\.0 MiB, [\d,]+\/s, 0\.\ds\n/.test(io.err)
  );
  progress.onEvent({ type: "stream_finished", stream: "orders", result: streamResult("orders") });
  const finished = lines();
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(lines(), finished);
  progress.onEvent({ type: "stream_started", stream: "totals" });
  progress[Symbol.dispose]();
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert.equal(lines(), finished + 1);
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!condition()) {
    assert.ok(performance.now() < deadline, "nothing happened in 5 s");
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const PROCESS = fileURLToPath(new URL("../dxt_process.ts", import.meta.url));

/** A process that is gone after 10 seconds, so that no fault of it makes a test wait for ever. */
function start(...args: string[]): Deno.ChildProcess {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-check",
      "--no-prompt",
      "--allow-env",
      "--allow-read",
      "--allow-write",
      PROCESS,
      ...args,
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const deadline = setTimeout(() => child.kill("SIGKILL"), 10_000);
  child.status.then(() => clearTimeout(deadline));
  return child;
}

/** Reads until the text has come. */
async function untilSaid(stream: ReadableStream<Uint8Array>, text: string): Promise<string> {
  let said = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    said += chunk;
    if (said.includes(text)) return said;
  }
  throw new Error(`"${text}" was not said, but ${said}`);
}

Deno.test({
  ...ignoreIf(notUnix, "a real SIGTERM stops a real process after it cleaned up"),
  async fn() {
    await using child = start();
    await untilSaid(child.stderr, "orders: started");
    child.kill("SIGTERM");
    const said = await untilSaid(child.stdout, "cancelled");
    assert.match(said, /cancelled/);
    assert.equal((await child.status).code, 143);
  },
});

Deno.test({
  ...ignoreIf(notUnix, "a second real signal ends a real process at once, with its own code"),
  async fn() {
    await using child = start("stubborn");
    const [first, second] = child.stderr.tee();
    await untilSaid(first, "orders: started");
    child.kill("SIGTERM");
    await untilSaid(second, "SIGTERM: stopping");
    child.kill("SIGINT");
    assert.equal((await child.status).code, 130);
    await child.stdout.cancel();
  },
});

Deno.test({
  ...ignoreIf(notUnix, "a reader that leaves is no failure"),
  async fn() {
    await using child = start();
    await child.stdout.cancel();
    await untilSaid(child.stderr, "orders: started");
    child.kill("SIGINT");
    assert.equal((await child.status).code, 130);
  },
});

Deno.test({
  ...ignoreIf(
    notUnix,
    "what was logged is in the file when the process is killed, or ends by an error",
  ),
  fn: () =>
    withFolder(async (folder) => {
      const file = join(folder, "a.jsonl");
      const events = async () =>
        (await Deno.readTextFile(file)).trimEnd().split("\n").map((line) => JSON.parse(line).event);
      await using killed = start("wait", "--log-file", file);
      await untilSaid(killed.stderr, "orders: started");
      killed.kill("SIGKILL");
      await killed.status;
      await killed.stdout.cancel();
      assert.deepEqual(await events(), ["run_started", "stream_started"]);
      await Deno.remove(file);
      await using crashed = start("throw", "--log-file", file);
      assert.equal((await crashed.output()).code, 1);
      assert.deepEqual(await events(), ["run_started", "stream_started", "error"]);
      assert.doesNotMatch(await Deno.readTextFile(file), /hunter22/);
    }),
});

for (const way of ["reject", "throw"]) {
  Deno.test(`an error that nobody caught ends the process as any other (${way})`, async () => {
    await using child = start(way);
    const { code, stdout, stderr } = await child.output();
    assert.equal(code, 1);
    assert.equal(stdout.length, 0);
    assert.match(
      new TextDecoder().decode(stderr),
      /^(orders: started\n)?error: TypeError: lost \*\*\*\n$/,
    );
  });
}

Deno.test("with --verbose an error that nobody caught has its stack", async () => {
  const io = fakeIO();
  const engine = fakeEngine({
    run() {
      assert.throws(() => io.crash(new TypeError("lost")), (error) => (error as Exited).code === 1);
      return runResult([streamResult("a")]);
    },
  });
  const { err } = await dxt("run a.yaml --verbose", { io, engine });
  assert.match(err, /error: TypeError: lost\nTypeError: lost\n +at /);
});
