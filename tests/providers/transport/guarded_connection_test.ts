/** Servers that die, drip or fall silent, at each point of a conversation. */
import assert from "node:assert/strict";
import { ConnectionError, ConnectorError } from "../../../src/core/errors.ts";
import { GuardedConnection } from "../../../src/providers/transport/guarded_connection.ts";
import { lineServer, LineSession, type Peer } from "./line_protocol.ts";

const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Sends one character at a time, until the client is gone. */
async function drip(peer: Peer, text: string, every: number): Promise<void> {
  for (const character of text) {
    await sleep(every);
    await peer.send(character);
  }
}

/** Milliseconds that `work` takes. */
async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

const LOST =
  /^Cannot talk to Lines at "127\.0\.0\.1:\d+": the connection was lost before the server/;
const isLost = (error: unknown) => error instanceof ConnectionError && LOST.test(error.message);

Deno.test("a server that dies in a login, at its first or a later byte, is a lost connection", async () => {
  for (const sent of ["", "welc", "welcome\n"]) {
    using server = lineServer(() => {}, async (peer) => {
      if (sent !== "") await peer.send(sent);
      peer.close();
    });
    await assert.rejects(LineSession.open(server), isLost);
  }
});

Deno.test("a login that the server refuses says so, with the server's words", async () => {
  using server = lineServer(() => {}, (peer) => peer.send("!no such user\n"));
  await assert.rejects(LineSession.open(server), (error: unknown) => {
    assert.ok(error instanceof ConnectionError);
    assert.match(error.message, /^Cannot log in to Lines at "[\d.:]+": no such user$/);
    assert.ok(error.cause instanceof ConnectorError);
    return true;
  });
});

Deno.test("a login that drips is given up after connect_timeout, however alive it looks", async () => {
  using server = lineServer(() => {}, (peer) => drip(peer, "welcome".repeat(100), 100));
  const took = await time(() =>
    assert.rejects(
      LineSession.open(server, { connect_timeout: 0.5, inactivity_timeout: 0.2 }),
      /^ConnectionError: Cannot connect to Lines at .*: no answer to the login within 0.5 s/,
    )
  );
  assert.ok(took < 2000, `${took} ms`);
});

Deno.test("a server that dies between statements is found by the next one", async () => {
  using server = lineServer(async (peer) => {
    await peer.send(".\n");
    peer.close();
  });
  const session = await LineSession.open(server);
  await session.query("one");
  await sleep(50);
  await assert.rejects(session.query("two"), isLost);
  assert.equal(session.connection.usable, false);
  // The first failure is final.
  await assert.rejects(session.query("three"), isLost);
  await session.close();
});

Deno.test("the last word of a server that closes between statements is the error", async () => {
  using server = lineServer(async (peer, line) => {
    await peer.send(line === "one" ? ".\n!shut down by an administrator\n" : ".\n");
    peer.close();
  });
  const session = await LineSession.open(server);
  await session.query("one");
  await sleep(50);
  // A first write after the end may still succeed, a later one fails: the words count in both cases.
  await assert.rejects(session.query("x".repeat(1 << 22)), /shut down by an administrator/);
  await session.close();
});

Deno.test("a server that dies in the middle of a row loses the statement, not a part of it", async () => {
  for (const sent of ["row 1\nro", "row 1\n", "row 1\nrow 2\n"]) {
    using server = lineServer(async (peer) => {
      await peer.send(sent);
      peer.close();
    });
    const session = await LineSession.open(server);
    const rows: string[] = [];
    await assert.rejects(session.query("rows", (row) => rows.push(row)), isLost);
    assert.equal(rows.length, sent.split("\n").length - 1);
    await session.close();
  }
});

Deno.test("a byte within each idle timeout keeps a statement alive, and an abort ends it at once", async () => {
  using server = lineServer((peer) => drip(peer, "row ".repeat(1000), 100));
  let interrupted = 0;
  const interrupt = () => Promise.resolve(interrupted++);
  const session = await LineSession.open(server, { inactivity_timeout: 0.3, interrupt });
  const controller = new AbortController();
  const release = session.connection.endOnAbort(controller.signal);
  setTimeout(() => controller.abort(new Error("stopped")), 1000);
  const took = await time(() => assert.rejects(session.query("rows"), /^Error: stopped$/));
  assert.ok(took >= 990 && took < 2000, `${took} ms`);
  release();
  await session.close();
  assert.equal(interrupted, 1);
});

Deno.test("a byte in longer than each idle timeout is silence", async () => {
  using server = lineServer((peer) => drip(peer, "row ".repeat(1000), 500));
  const session = await LineSession.open(server, { inactivity_timeout: 0.2 });
  await assert.rejects(
    session.query("rows"),
    /Cannot talk to Lines at .*: the server was silent for 0.2 s \(inactivity_timeout\)/,
  );
  await session.close();
});

Deno.test("a server that takes no bytes is silent, too", async () => {
  using server = lineServer(() => sleep(2000));
  const session = await LineSession.open(server, { inactivity_timeout: 0.2 });
  await assert.rejects(session.query("x\n".repeat(1 << 24)), /silent for 0.2 s/);
  await session.close();
});

Deno.test("a server that never answers a farewell or an interruption is closed within seconds", async () => {
  const never = new Promise<void>(() => {});
  for (const isBusy of [false, true]) {
    let closed = 0;
    let aborted = false;
    const connection = new GuardedConnection({ write: () => never, close: () => closed++ }, {
      system: "Lines",
      address: "nowhere",
      connect_timeout: 5,
      inactivity_timeout: 60,
      interrupt(signal) {
        signal.addEventListener("abort", () => aborted = true);
        return never;
      },
    });
    if (isBusy) connection.beginStatement();
    const took = await time(() => connection.close(new Uint8Array(1)));
    assert.ok(took >= 2900 && took < 5000, `${took} ms`);
    assert.ok(closed > 0);
    assert.equal(aborted, isBusy);
  }
});

Deno.test("a closed session is closed by the server, too, or within seconds", async () => {
  let released = false;
  using server = lineServer(() => {}, undefined, async (peer) => {
    await sleep(300);
    released = true;
    peer.close();
  });
  await (await LineSession.open(server)).close();
  assert.ok(released);
  using deaf = lineServer(() => {}, undefined, () => {});
  const session = await LineSession.open(deaf, { inactivity_timeout: 60 });
  const took = await time(() => session.close());
  assert.ok(took >= 2900 && took < 5000, `${took} ms`);
});

Deno.test("an interruption that fails does not hide why the statement ended", async () => {
  using server = lineServer(() => {});
  const session = await LineSession.open(server, {
    inactivity_timeout: 0.2,
    interrupt: () => Promise.reject(new Error("no route")),
  });
  await assert.rejects(session.query("rows"), /silent for 0.2 s/);
  await session.close();
});

Deno.test("a statement runs alone, and an error of the server leaves the connection usable", async () => {
  using server = lineServer((peer, line) => peer.send(line === "bad" ? "!refused\n" : ".\n"));
  const session = await LineSession.open(server);
  const first = session.query("one");
  await assert.rejects(session.query("two"), /in use by another statement/);
  await first;
  await assert.rejects(session.query("bad"), /^ConnectorError: refused$/);
  assert.equal(session.connection.usable, true);
  await session.query("three");
  await session.close();
  await sleep(50);
  assert.deepEqual(server.received, ["hello", "one", "bad", "three", "bye"]);
});

Deno.test("bytes that make no sense end the connection, which then sends no farewell", async () => {
  using server = lineServer((peer) => peer.send("?\n"));
  const session = await LineSession.open(server);
  await assert.rejects(session.query("one"), /Cannot talk to Lines at .*: a line is a question/);
  assert.equal(session.connection.usable, false);
  await session.close();
});

Deno.test("an abort before or during a login ends it", async () => {
  using server = lineServer(() => {}, () => {});
  for (const after of [0, 100]) {
    const controller = new AbortController();
    if (after === 0) controller.abort(new Error("stopped"));
    else setTimeout(() => controller.abort(new Error("stopped")), after);
    await assert.rejects(LineSession.open(server, {}, controller.signal), /^Error: stopped$/);
  }
});
