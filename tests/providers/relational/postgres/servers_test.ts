/** Several hosts, unix sockets, client certificates and channel binding, as libpq knows them. */
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import postgres from "../../../../src/providers/relational/postgres/mod.ts";
import {
  isOfKind,
  SESSION_KINDS,
} from "../../../../src/providers/relational/postgres/wire/session_kind.ts";
import { usage } from "../../../support/usage.ts";
import { connect, onServers } from "./support.ts";
import { makeCertificates } from "../../../../scripts/services/certificate.ts";
import { certificateHash } from "../../../../src/providers/relational/postgres/wire/channel_binding.ts";

Deno.test("hosts and ports belong together, certificates and keys too", () => {
  const refused: readonly [keys: Record<string, unknown>, words: RegExp][] = [
    [{ host: "a,b", port: "1,2,3" }, /as many as there are hosts/],
    [{ host: "a", port: "1,2" }, /as many as there are hosts/],
    [{ host: "a,,b" }, /host names/],
    [{ host: "a/b" }, /host names/],
    [{ port: 0 }, /port/],
    [{ sslcert: "c.pem" }, /sslcert and sslkey together/],
    [{ sslkey: "k.pem" }, /sslcert and sslkey together/],
    [{ target_session_attrs: "master" }, /read-write/],
    [{ channel_binding: "yes" }, /require/],
    [{ load_balance_hosts: "random" }, /load_balance_hosts/],
  ];
  for (const [keys, words] of refused) {
    const parsed = postgres.config.safeParse({ user: "me", ...keys });
    assert.match(parsed.error?.message ?? "nothing was refused", words, JSON.stringify(keys));
  }
});

Deno.test("a connection needs all its hosts, its sockets and its certificates", () => {
  const needs = (keys: Record<string, unknown>) =>
    postgres.permissions(postgres.config.parse({ user: "me", ...keys }), usage("/project"));
  assert.deepEqual(needs({ host: "a,::1,/run/pg/", port: "1,,3" }), {
    net: ["a:1", "[::1]:5432", "unix:/run/pg/.s.PGSQL.3"],
    read: ["/run/pg/.s.PGSQL.3"],
    write: ["/run/pg/.s.PGSQL.3"],
  });
  const keys = { host: "a,b", port: 7, sslcert: "c.pem", sslkey: "/k.pem", sslrootcert: "ca.pem" };
  assert.deepEqual(needs(keys).net, ["a:7", "b:7"]);
  assert.deepEqual(needs(keys).read, ["/project/c.pem", "/k.pem"]);
  assert.deepEqual(needs({ ...keys, sslmode: "verify-ca" }).read!.length, 3);
  assert.deepEqual(needs({ ...keys, sslmode: "disable" }).read, []);
});

Deno.test("each kind of session is found among servers of each role", () => {
  const primary = { isStandby: false, isReadOnly: false };
  const locked = { isStandby: false, isReadOnly: true };
  const standby = { isStandby: true, isReadOnly: true };
  const found = SESSION_KINDS.map((kind) =>
    [primary, locked, standby].map((role) => isOfKind(kind, role) ? "1" : "0").join("")
  );
  assert.deepEqual(found, ["111", "100", "011", "110", "001", "001"]);
});

onServers(
  "the hosts are tried in turn, and all connections go to the one found",
  async (database) => {
    const { port } = new URL(database.url);
    const hosts = { host: "127.0.0.1,localhost,127.0.0.1", port: `1,1,${port}` };
    for (const target_session_attrs of ["any", "read-write", "primary", "prefer-standby"]) {
      await using connector = await connect(database.url, { ...hosts, target_session_attrs });
      assert.equal(connector.config.port, Number(port));
      assert.deepEqual(await connector.query("SELECT 1 AS n"), [{ n: 1 }]);
      const sessions = [await connector.begin("read"), await connector.begin("read")];
      for (const session of sessions) await session.close();
    }
    await assert.rejects(
      connect(database.url, { ...hosts, target_session_attrs: "standby" }),
      /127.0.0.1:1": nothing listens.*localhost:1": .*127.0.0.1:\d+": it is not standby/,
    );
    // A login that is refused would be refused by the next server too.
    const wrong = { ...hosts, port: `${port},1,${port}`, password: "wrong" };
    await assert.rejects(connect(database.url, wrong), (error) => {
      assert.match((error as Error).message, /^Cannot log in .*28P01\)$/);
      return true;
    });
    const name = new URL(database.url).pathname.slice(1);
    await database.sql(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await assert.rejects(
      connect(database.url, { target_session_attrs: "read-write" }),
      /it is not read-write/,
    );
    await using connector = await connect(database.url, { target_session_attrs: "read-only" });
    assert.equal((await connector.testConnection()).product, "PostgreSQL");
  },
);

onServers("a unix socket serves data and control connection", async (database, { folder }) => {
  for (const sslmode of ["disable", "prefer", "verify-full"]) {
    await using connector = await connect(database.url, { host: folder, sslmode });
    const sql = "SELECT inet_client_addr() IS NULL AS local";
    assert.deepEqual(await connector.query(sql), [{ local: true }]);
    const session = await connector.begin("read");
    assert.deepEqual((await session.query(sql)).rows, [["t"]]);
    await session.close();
  }
  await assert.rejects(
    connect(database.url, { host: "/no/such/folder", port: 5432 }),
    /Cannot connect to PostgreSQL at "\/no\/such\/folder\/\.s\.PGSQL\.5432": there is no such socket/,
  );
});

onServers("a client's certificate logs in, its key encrypted or not", async (database, server) => {
  const folder = await Deno.makeTempDir();
  const role = "dxt_cert";
  await database.sql(`DROP ROLE IF EXISTS ${role}; CREATE ROLE ${role} LOGIN`);
  try {
    const pem = await Deno.readTextFile(`${server.folder}/client.key`);
    const encrypted = createPrivateKey(pem).export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "s3cret",
    });
    await Deno.writeTextFile(`${folder}/client.key`, String(encrypted));
    await Deno.writeTextFile(`${folder}/none.key`, "no key");
    const keys = {
      user: role,
      password: undefined,
      sslmode: "require",
      sslcert: `${server.folder}/client.crt`,
    };
    const own = { ...keys, sslkey: `${server.folder}/client.key` };
    const locked = { ...keys, sslkey: `${folder}/client.key` };
    for (const good of [own, { ...locked, sslpassword: "s3cret" }]) {
      await using connector = await connect(database.url, good);
      assert.deepEqual(await connector.query("SELECT current_user::text AS u"), [{ u: role }]);
    }
    for (
      const [bad, words] of [
        [{ ...keys, sslcert: undefined }, /certificate/],
        [locked, /sslkey ".*client.key" is encrypted and wants sslpassword/],
        [{ ...locked, sslpassword: "wrong" }, /cannot be decrypted with sslpassword/],
        [{ ...keys, sslkey: `${folder}/none.key` }, /is no private key in PEM/],
        [{ ...keys, sslkey: `${folder}/absent.key` }, /sslkey ".*absent.key" cannot be read/],
        [{ ...own, user: "postgres" }, /password/],
      ] as const
    ) {
      await assert.rejects(connect(database.url, bad), (error) => {
        assert.match((error as Error).message, words);
        assert.ok(!(error as Error).message.includes("s3cret"));
        return true;
      });
    }
  } finally {
    await database.sql(`DROP ROLE ${role}`);
    await Deno.remove(folder, { recursive: true });
  }
});

onServers("a login is bound to the server's certificate", async (database, { folder }) => {
  for (const channel_binding of ["disable", "prefer", "require"]) {
    await using connector = await connect(database.url, { sslmode: "require", channel_binding });
    assert.deepEqual(await connector.query("SELECT 1 AS n"), [{ n: 1 }]);
  }
  const required = { channel_binding: "require" };
  await assert.rejects(connect(database.url, required), /no TLS, channel_binding is require/);
  await assert.rejects(connect(database.url, { ...required, host: folder }), /no TLS/);
  const role = `dxt_scram_${crypto.randomUUID().slice(0, 8)}`;
  await database.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'p'`);
  try {
    const keys = { user: role, password: "p", sslmode: "require", ...required };
    await using connector = await connect(database.url, keys);
    assert.deepEqual(await connector.query("SELECT current_user::text AS u"), [{ u: role }]);
  } finally {
    await database.sql(`DROP ROLE ${role}`);
  }
});

Deno.test("the digest of a certificate is that of its signature, SHA-256 at least", () => {
  const pem = makeCertificates().certificate;
  const der = Uint8Array.fromBase64(pem.replace(/-----.*-----|\s/g, ""));
  assert.equal(certificateHash(der)?.length, 32);
});
