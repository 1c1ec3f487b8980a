/** Servers that lie, stop, or ask for what is not theirs. */
import assert from "node:assert/strict";
import { ConnectionError } from "../../../../../src/core/errors.ts";
import type { ExtractRequest } from "../../../../../src/core/contracts/extractor.ts";
import type { Field } from "../../../../../src/models/field.ts";
import { RowDecoder } from "../../../../../src/providers/relational/mysql/wire/row_decoder.ts";
import { MySQLError } from "../../../../../src/providers/relational/mysql/wire/server_error.ts";
import type { Session } from "../../../../../src/providers/relational/mysql/wire/session.ts";
import { makeCertificates } from "../../../../../scripts/services/certificate.ts";
import { never } from "../support.ts";
import {
  bytes,
  column,
  EOF,
  failure,
  type FakeOptions,
  fakeServer,
  OK,
  open,
  type Peer,
  sha2Login,
} from "./fake_server.ts";

const LONGLONG = 8;
const BLOB = 252;

/** Reads all rows of one column; returns how many there were. */
async function readRows(session: Session, dtype: Field["dtype"] = "int64"): Promise<number> {
  const stream = await session.stream("SELECT c FROM t");
  const field: Field = { name: "c", dtype, nullable: true };
  const task: ExtractRequest = {
    source: { type: "relation", name: "t" },
    projections: [{ field, column: "c" }],
    batchRows: 1000,
    batchBytes: 1 << 26,
    signal: never,
  };
  const decoder = new RowDecoder(task, stream.columns);
  while (await stream.read((input) => decoder.push(input)));
  return decoder.rows;
}

/** Answers a prepare, and then what the test wants of the execution. */
function preparing(
  rows: (peer: Peer) => Promise<void> | void,
  of: Uint8Array = column(LONGLONG),
): (peer: Peer, command: Uint8Array) => Promise<void> {
  return async (peer, command) => {
    if (command[0] === 0x16) {
      await peer.send(bytes(0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0), of, EOF);
    } else if (command[0] === 0x17) {
      await peer.send(bytes(1), of, EOF);
      await rows(peer);
    }
  };
}

const row = (n: number) => bytes(0, 0, n, 0, 0, 0, 0, 0, 0, 0);

Deno.test("a server that asks for a file in answer to a query gets none, and the session ends", async () => {
  let answers = 0;
  using server = fakeServer(async (peer) => {
    await peer.send(bytes(0xfb, "/etc/passwd"));
    await peer.read().then(() => answers++);
  });
  const session = await open(server);
  await assert.rejects(
    session.query("SELECT 1"),
    /the server asks for the file "\/etc\/passwd" of this machine, which it does not get/,
  );
  await assert.rejects(session.query("SELECT 1"), ConnectionError);
  await session.close();
  assert.equal(answers, 0);
});

Deno.test("a server that asks for a file in answer to a prepare, or to the login, gets none", async () => {
  using server = fakeServer((peer) => peer.send(bytes(0xfb, "/etc/shadow")));
  const session = await open(server);
  await assert.rejects(session.describe("SELECT 1"), /asks for the file "\/etc\/shadow"/);
  await session.close();
  using early = fakeServer(() => {}, { login: (peer) => peer.send(bytes(0xfb, "/etc/shadow")) });
  await assert.rejects(open(early), /asks for the file "\/etc\/shadow"/);
});

Deno.test("our own load is answered once, and a session that does not load has no capability for it", async () => {
  const received: Uint8Array[] = [];
  using server = fakeServer(async (peer) => {
    await peer.send(bytes(0xfb, "anything"));
    for (;;) {
      const { payload } = await peer.read();
      if (payload.length === 0) break;
      received.push(payload);
    }
    // Asked again, it would send again.
    await peer.send(bytes(0xfb, "/etc/passwd"));
  });
  const session = await open(server);
  async function* chunks() {
    yield bytes(0, 0, 0, 0, "1\n");
  }
  await assert.rejects(session.load("LOAD DATA …", chunks()), /asks for the file "\/etc\/passwd"/);
  await session.close();
  assert.equal(received.length, 1);
});

Deno.test("rows that have no end are an error, wherever the connection is lost", async () => {
  for (const cut of [0, 1, 3, 4, 10, 14, 20, 28]) {
    using server = fakeServer(preparing(async (peer) => {
      const all = [row(1), row(2)].flatMap((payload, i) => [
        ...bytes(payload.length, 0, 0, peer.sequence + i, payload),
      ]);
      await peer.raw(Uint8Array.from(all).subarray(0, cut));
      peer.close();
    }));
    const session = await open(server);
    await assert.rejects(readRows(session), /connection was lost before the server had answered/);
    await session.close();
  }
});

Deno.test("an error among the rows is the server's, and the rows are not complete", async () => {
  using server = fakeServer(
    preparing((peer) => peer.send(row(1), failure(1317, "Query execution was interrupted"))),
  );
  const session = await open(server);
  await assert.rejects(
    readRows(session),
    (error: unknown) =>
      error instanceof MySQLError && error.code === 1317 && /interrupted/.test(error.message),
  );
  await session.close();
});

Deno.test("complete rows are read, and counted", async () => {
  using server = fakeServer(preparing((peer) => peer.send(row(1), row(2), row(3), EOF)));
  const session = await open(server);
  assert.equal(await readRows(session), 3);
  await session.close();
});

Deno.test("a frame that is missing, or comes twice, is found by its number", async () => {
  for (const skip of [1, -1]) {
    using server = fakeServer(preparing(async (peer) => {
      await peer.send(row(1));
      peer.sequence += skip;
      await peer.send(row(2), EOF);
    }));
    const session = await open(server);
    await assert.rejects(readRows(session), /packet \d+ was expected, packet \d+ came/);
    await session.close();
  }
});

Deno.test("lengths that are lied about end in an error, never in bytes of another row", async () => {
  const LIES = [
    bytes(0, 0, 200, "short"),
    bytes(0, 0, 252, 255, 255, "short"),
    bytes(0, 0, 253, 255, 255, 255, "short"),
    bytes(0, 0, 254, 255, 255, 255, 255, 255, 255, 255, 255),
    bytes(0, 0, 254, 5, 0, 0, 0, 0, 0, 0, 0x80, "short"),
    bytes(0, 0, 255, "short"),
    bytes(0, 0, 3, "long enough"),
    bytes(0),
    bytes(0, 0),
  ];
  for (const lie of LIES) {
    using server = fakeServer(preparing((peer) => peer.send(lie, row(1), EOF), column(BLOB)));
    const session = await open(server);
    await assert.rejects(readRows(session, "binary"), /Cannot decode row 1|Cannot talk to MySQL/);
    await session.close();
  }
});

Deno.test("a packet of several frames is one value", async () => {
  const size = 0xff_ff_ff + 70_000;
  const value = new Uint8Array(size).fill(7);
  using server = fakeServer(preparing(async (peer) => {
    const payload = new Uint8Array(size + 6);
    payload.set(bytes(0, 0, 253, size & 255, (size >> 8) & 255, (size >> 16) & 255));
    const long = new Uint8Array(size + 11);
    // A length of eight bytes, since it is beyond three.
    long.set(
      bytes(0, 0, 254, size & 255, (size >> 8) & 255, (size >> 16) & 255, size >>> 24, 0, 0, 0, 0),
    );
    long.set(value, 11);
    await peer.send(long, row(1), EOF);
  }, column(BLOB)));
  const session = await open(server);
  const stream = await session.stream("SELECT c FROM t");
  const lengths: number[] = [];
  while (
    await stream.read((input) => {
      lengths.push(input.to - input.from);
      input.skip();
      return true;
    })
  );
  assert.deepEqual(lengths, [size + 11, 10]);
  await session.close();
});

Deno.test("a server that falls silent is given up after inactivity_timeout", async () => {
  using server = fakeServer(() => {});
  const session = await open(server, { inactivity_timeout: 0.3 });
  await assert.rejects(session.query("SELECT 1"), /silent for 0.3 s \(inactivity_timeout\)/);
  await session.close();
});

Deno.test("a second result that nobody asked for ends the session", async () => {
  using server = fakeServer((peer) => peer.send(bytes(0, 0, 0, 0x0a, 0, 0, 0)));
  const session = await open(server);
  await assert.rejects(session.query("SELECT 1"), /a second result came/);
  await session.close();
});

Deno.test("what does not greet as MySQL does is named", async () => {
  for (
    const greeting of [bytes(72, 84, 84, 80, 47), bytes(1, 0, 0, 0, 9), bytes(3, 0, 0, 0, 10, 1, 1)]
  ) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepted = listener.accept().then(async (connection) => {
      await connection.write(greeting);
      connection.closeWrite().catch(() => {});
      return connection;
    });
    const { port } = listener.addr as Deno.NetAddr;
    const fake = { url: `mysql://u:pw@127.0.0.1:${port}`, [Symbol.dispose]() {} };
    await assert.rejects(open(fake), /Cannot connect to MySQL at "127.0.0.1:\d+"/);
    (await accepted).close();
    listener.close();
  }
});

Deno.test("caching_sha2_password: the whole way encrypts the password, then the fast one", async () => {
  const seen: string[] = [];
  const options = { plugin: "caching_sha2_password", login: sha2Login("pw", seen) };
  using server = fakeServer((peer) => peer.send(OK), options);
  await assert.rejects(
    open(server),
    /set sslmode to require or higher, or allow_public_key_retrieval/,
  );
  for (let i = 0; i < 2; i++) {
    const session = await open(server, { allow_public_key_retrieval: true });
    await session.query("SELECT 1");
    await session.close();
  }
  assert.deepEqual(seen, ["full true", "fast"]);
  await assert.rejects(
    open(server, { allow_public_key_retrieval: true, password: "wrong" }),
    /Cannot log in to MySQL at .*Access denied/,
  );
});

Deno.test("caching_sha2_password: the password itself goes inside TLS alone", async () => {
  const { certificate: cert, key } = makeCertificates();
  const cases: [Partial<FakeOptions>, Record<string, unknown>, string[]][] = [
    [{ tls: { cert, key } }, { sslmode: "require" }, ["clear"]],
    [{ tls: { cert, key } }, { sslmode: "prefer" }, ["clear"]],
    [{}, { sslmode: "prefer", allow_public_key_retrieval: true }, ["full true"]],
  ];
  for (const [options, keys, expected] of cases) {
    const seen: string[] = [];
    const login = sha2Login("pw", seen);
    using server = fakeServer((peer) => peer.send(OK), {
      plugin: "caching_sha2_password",
      login,
      ...options,
    });
    const session = await open(server, keys);
    await session.query("SELECT 1");
    await session.close();
    assert.deepEqual(seen, expected);
  }
});

Deno.test("a user whose plugin is another one than the server's own is asked by it", async () => {
  for (const plugin of ["mysql_native_password", "caching_sha2_password"]) {
    using server = fakeServer((peer) => peer.send(OK), {
      plugin: "sha256_password",
      async login(peer, answer) {
        assert.match(new TextDecoder().decode(answer), /mysql_native_password\0$/);
        const challenge = new Uint8Array(20).fill(7);
        await peer.send(bytes(0xfe, plugin, 0, challenge, 0));
        const { payload } = await peer.read();
        await peer.send(payload.length === (plugin.startsWith("mysql") ? 20 : 32) ? OK : EOF);
      },
    });
    await (await open(server)).close();
  }
});

Deno.test("a server that wants the password as clear text does not get it", async () => {
  let got = "";
  using server = fakeServer(() => {}, {
    async login(peer) {
      await peer.send(bytes(0xfe, "mysql_clear_password", 0));
      got = new TextDecoder().decode((await peer.read()).payload);
    },
  });
  await assert.rejects(
    open(server),
    /Cannot log in to MySQL at .*: the server asks for the login plugin "mysql_clear_password", supported are mysql_native_password, caching_sha2_password, client_ed25519$/,
  );
  assert.equal(got, "");
});
