/** Logins and TLS against real servers. */
import assert from "node:assert/strict";
import { ConnectionError } from "../../../../../src/core/errors.ts";
import { mysqlTest } from "../../../../support/services.ts";
import { makeCertificates } from "../../../../../scripts/services/certificate.ts";
import { openSession } from "../support.ts";
import { ignoreIf } from "../../../../support/ignore.ts";

const maria = mysqlTest("mariadb");
const oracle = mysqlTest("mysql 5.6");

function onMariaDB(name: string, fn: () => Promise<void>): void {
  Deno.test({ ...ignoreIf(maria.missing, `mariadb: ${name}`), fn });
}

async function cipher(keys: Record<string, unknown>): Promise<string> {
  const session = await openSession(maria.url, keys);
  const { rows: [row] } = await session.query("SHOW STATUS LIKE 'Ssl_cipher'");
  await session.close();
  return row![1]!;
}

onMariaDB("each sslmode has the TLS that it says", async () => {
  assert.equal(await cipher({ sslmode: "disable" }), "");
  for (const sslmode of ["prefer", "require"]) assert.notEqual(await cipher({ sslmode }), "");
  for (const sslmode of ["verify-ca", "verify-full"]) {
    assert.notEqual(await cipher({ sslmode, sslrootcert: maria.authority }), "");
    await assert.rejects(cipher({ sslmode }), /Cannot connect to MySQL at .*TLS failed/);
  }
});

onMariaDB("a certificate of another authority is refused", async () => {
  const path = await Deno.makeTempFile();
  await Deno.writeTextFile(path, makeCertificates().authority);
  await assert.rejects(cipher({ sslmode: "verify-ca", sslrootcert: path }), /TLS failed/);
  await Deno.remove(path);
});

onMariaDB("a login that wants TLS, or a certificate, gets it", async () => {
  const login = { user: "dxt_tls", password: "tls" };
  assert.notEqual(await cipher({ ...login, sslmode: "require" }), "");
  await assert.rejects(
    cipher({ ...login, sslmode: "disable" }),
    /Cannot log in to MySQL at .*denied/,
  );
  const withCertificate = {
    user: "dxt_cert",
    password: "",
    sslmode: "require",
    sslcert: `${maria.folder}/client.crt`,
    sslkey: `${maria.folder}/client.key`,
  };
  assert.notEqual(await cipher(withCertificate), "");
  await assert.rejects(
    cipher({ user: "dxt_cert", password: "", sslmode: "require" }),
    /Cannot log in to MySQL at .*denied/,
  );
});

onMariaDB("a unix socket is reached, without TLS", async () => {
  assert.equal(await cipher({ host: `${maria.folder}/mysql.sock`, sslmode: "require" }), "");
});

onMariaDB("a large result comes whole inside TLS", async () => {
  const session = await openSession(maria.url, { sslmode: "require", database: "mysql" });
  const { rows } = await session.query("SELECT seq, repeat('x', 1000) FROM seq_1_to_20000");
  assert.equal(rows.length, 20_000);
  await session.close();
});

onMariaDB("a wrong password, an unknown database and a closed port are named", async () => {
  await assert.rejects(
    openSession(maria.url, { password: "wrong" }),
    (error: unknown) => error instanceof ConnectionError && /Access denied/.test(error.message),
  );
  await assert.rejects(openSession(maria.url, { database: "no_such" }), /Cannot log in.*no_such/);
  await assert.rejects(openSession(maria.url, { port: 1 }), /nothing listens there/);
});

onMariaDB("a user of the ed25519 plugin logs in, with the right password alone", async () => {
  const admin = await openSession(maria.url);
  await admin.query("INSTALL SONAME 'auth_ed25519'").catch(() => {});
  // A challenge is random: some end in a zero byte, as those of other plugins always do.
  for (const password of ["secret", "pässwörd 🔑".repeat(20)]) {
    const user = `ed_${crypto.randomUUID().slice(0, 8)}`;
    await admin.query(
      `CREATE USER ${user}@'%' IDENTIFIED VIA ed25519 USING PASSWORD('${password}')`,
    );
    for (let i = 0; i < (password === "secret" ? 300 : 1); i++) {
      const session = await openSession(maria.url, { user, password });
      const { rows } = await session.query("SELECT CURRENT_USER()");
      assert.deepEqual(rows, [[`${user}@%`]]);
      await session.close();
    }
    assert.notEqual(await cipher({ user, password, sslmode: "require" }), "");
    await assert.rejects(
      openSession(maria.url, { user, password: `${password}x` }),
      /Cannot log in to MySQL at .*Access denied/,
    );
    await admin.query(`DROP USER ${user}`);
  }
  await admin.close();
});

onMariaDB("an abort kills the statement on the server", async () => {
  const controller = new AbortController();
  const session = await openSession(maria.url);
  const release = session.endOnAbort(controller.signal);
  const work = session.query("SELECT SLEEP(60), 'dxt abort test'");
  setTimeout(() => controller.abort(new Error("stopped")), 200);
  await assert.rejects(work, /stopped/);
  release();
  await session.close();
  const other = await openSession(maria.url);
  const deadline = Date.now() + 5000;
  for (;;) {
    const { rows } = await other.query(
      "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE INFO LIKE '%dxt abort test%' AND ID <> CONNECTION_ID()",
    );
    if (rows[0]![0] === "0") break;
    assert.ok(Date.now() < deadline, "the statement still runs");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await other.close();
});

Deno.test({
  ...ignoreIf(
    oracle.missing,
    "mysql 5.6: a server without TLS is refused where TLS is wanted, and taken where it is preferred",
  ),
  async fn() {
    await assert.rejects(
      openSession(oracle.url, { sslmode: "require" }),
      /the server does not offer TLS, sslmode is require/,
    );
    await (await openSession(oracle.url, { sslmode: "prefer" })).close();
  },
});
