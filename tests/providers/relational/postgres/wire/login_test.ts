import assert from "node:assert/strict";
import { usage } from "../../../../support/usage.ts";
import { ConnectionError } from "../../../../../src/core/errors.ts";
import postgres from "../../../../../src/providers/relational/postgres/mod.ts";
import { makeCertificates } from "../../../../../scripts/services/certificate.ts";
import { freshDatabase } from "../../../../support/services.ts";
import { connect, onServers } from "../support.ts";

const SECRET = "s3cret pässword\u00a0½";

/** One clear error, without the password, in bounded time. */
async function refusedLogin(
  url: string,
  keys: Record<string, unknown>,
  words: RegExp,
): Promise<void> {
  const started = performance.now();
  await assert.rejects(connect(url, { connect_timeout: 2, ...keys }), (error) => {
    assert.ok(error instanceof ConnectionError, String(error));
    assert.match(error.message, words);
    assert.match(error.message, /^Cannot (log in|connect) to PostgreSQL at "[\w.:[\]-]+": /);
    for (const secret of [SECRET, "wrong one", decodeURIComponent(new URL(url).password)]) {
      assert.ok(!error.message.includes(secret), error.message);
    }
    return true;
  });
  assert.ok(performance.now() - started < 4000, "it took too long");
}

onServers("each way to authenticate logs in, and refuses a wrong password", async (database) => {
  // Roles belong to the whole server: only one of the tests that run at the same time may make them.
  for (
    const [role, method] of [["dxt_md5", "md5"], ["dxt_password", "scram-sha-256"], [
      "dxt_scram",
      "scram-sha-256",
    ]]
  ) {
    await database.sql(
      `DROP ROLE IF EXISTS ${role}; SET password_encryption = '${method}';
       CREATE ROLE ${role} LOGIN PASSWORD '${SECRET}'`,
    );
    const keys = { user: role, password: SECRET };
    await using connector = await connect(database.url, keys);
    assert.deepEqual(await connector.query("SELECT current_user::text AS u"), [{ u: role }]);
    await refusedLogin(
      database.url,
      { ...keys, password: "wrong one" },
      /password authentication failed.*28P01/,
    );
    await refusedLogin(
      database.url,
      { ...keys, password: undefined },
      /wants a password, none is given/,
    );
    await database.sql(`DROP ROLE ${role}`);
  }
});

onServers("what keeps a login out is said in one clear error", async (database) => {
  await refusedLogin(
    database.url,
    { database: "no_such_one" },
    /"no_such_one" does not exist.*3D000/,
  );
  await refusedLogin(database.url, { user: "nobody_here" }, /28P01/);
  await refusedLogin(database.url, { port: unusedPort() }, /nothing listens there/);
  await refusedLogin(database.url, { host: "no-such-host.invalid" }, /host name is not known/);
  await using closed = await freshDatabase(database.url);
  await database.sql(
    `ALTER DATABASE ${new URL(closed.url).pathname.slice(1)} ALLOW_CONNECTIONS false`,
  );
  await refusedLogin(closed.url, {}, /not currently accepting connections/);
});

function unusedPort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** A server that sends these bytes to whoever comes, and then does as told. */
function fakeServer(answer: string, then: "close" | "wait") {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.Conn[] = [];
  const state = { port: (listener.addr as Deno.NetAddr).port, connections: 0 };
  const done = (async () => {
    for await (const connection of listener) {
      state.connections++;
      open.push(connection);
      await connection.read(new Uint8Array(1000));
      await connection.write(new TextEncoder().encode(answer)).catch(() => {});
      if (then === "close") connection.close();
    }
  })();
  return Object.assign(state, {
    async [Symbol.asyncDispose]() {
      listener.close();
      for (const connection of open) if (then === "wait") connection.close();
      await done;
    },
  });
}

const URL_OF_NOBODY = "postgres://somebody:s3cret@127.0.0.1/x";

Deno.test("a server that closes, stays silent or is another one is given up in time", async () => {
  for (
    const [answer, then, sslmode, words] of [
      ["", "close", "disable", /connection was lost before/],
      ["", "wait", "disable", /no answer to the login within 0.5 s/],
      ["", "wait", "require", /no answer within 0.5 s/],
      ["N", "wait", "require", /does not offer TLS, sslmode is require/],
      ["N", "wait", "verify-full", /does not offer TLS, sslmode is verify-full/],
      ["HTTP/1.1 400 Bad Request\r\n\r\n", "close", "require", /not PostgreSQL's/],
      ["Sinjected", "wait", "require", /not PostgreSQL's/],
      ["S", "close", "require", /TLS failed/],
    ] as const
  ) {
    await using server = fakeServer(answer, then);
    const started = performance.now();
    await assert.rejects(
      connect(URL_OF_NOBODY, { port: server.port, sslmode, connect_timeout: 0.5 }),
      (error) => {
        assert.ok(error instanceof ConnectionError, String(error));
        assert.match(error.message, words);
        return true;
      },
    );
    assert.ok(performance.now() - started < 3000);
    assert.ok(server.connections <= 2, `${server.connections} connections were made`);
  }
});

onServers("TLS is as strict as sslmode says", async (database, { authority }) => {
  const folder = await Deno.makeTempDir();
  const other = `${folder}/other.pem`;
  await Deno.writeTextFile(other, makeCertificates().authority);
  const inTLS = async (keys: Record<string, unknown>) => {
    await using connector = await connect(database.url, keys);
    // Data and control connection alike.
    const sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    const [row] = await connector.query(sql);
    const session = await connector.begin("read");
    const { rows } = await session.query(sql);
    await session.close();
    assert.equal(rows[0]![0] === "t", row!["ssl"]);
    return row!["ssl"];
  };
  try {
    assert.equal(await inTLS({ sslmode: "disable" }), false);
    assert.equal(await inTLS({ sslmode: "prefer" }), true);
    assert.equal(await inTLS({ sslmode: "require" }), true);
    assert.equal(await inTLS({ sslmode: "verify-ca", sslrootcert: authority }), true);
    assert.equal(await inTLS({ sslmode: "verify-full", sslrootcert: authority }), true);
    assert.equal(
      await inTLS({ sslmode: "verify-full", sslrootcert: authority, host: "localhost" }),
      true,
    );
    for (const sslmode of ["verify-ca", "verify-full"]) {
      await refusedLogin(database.url, { sslmode, sslrootcert: other }, /TLS failed/);
      await refusedLogin(database.url, { sslmode }, /TLS failed/);
      await refusedLogin(
        database.url,
        { sslmode, sslrootcert: `${folder}/none.pem` },
        /sslrootcert.*cannot be read/,
      );
    }
    // Another name for 127.0.0.1, which is not in the certificate.
    const elsewhere = { host: "127.1", sslrootcert: authority };
    assert.equal(await inTLS({ ...elsewhere, sslmode: "verify-ca" }), true);
    await refusedLogin(database.url, { ...elsewhere, sslmode: "verify-full" }, /TLS failed/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a connection needs its host and its certificate file, and nothing else", () => {
  const config = postgres.config.parse({
    host: "::1",
    user: "me",
    sslmode: "verify-full",
    sslrootcert: "ca.pem",
  });
  assert.deepEqual(postgres.permissions(config, usage("/project")), {
    net: ["[::1]:5432"],
    read: ["/project/ca.pem"],
    write: [],
  });
  const unread = postgres.permissions({ ...config, sslmode: "require" }, usage("/project"));
  assert.deepEqual(unread.read, []);
});
