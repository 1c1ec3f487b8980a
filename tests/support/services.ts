/** The real servers as tests see them: a URL, or the reason why a test is ignored. */
import postgres from "postgres";

export interface TestServer {
  /** Empty when the server is missing. */
  readonly url: string;
  /** Path of the certificate of the authority that signed the server's. */
  readonly authority: string;
  /** Folder of the server's socket, and of `client.crt` and `client.key`, the certificate of dxt_cert. */
  readonly folder: string;
  /** Why there is no server; undefined when there is one. */
  readonly missing: string | undefined;
}

/** The PostgreSQL server of a major version that `deno task test` started. */
export function postgresTest(version: 15 | 18): TestServer {
  return serverOf(`DXT_TEST_POSTGRES_${version}`);
}

/** MariaDB, and Oracle's MySQL. */
export const MYSQL_SERVERS = { mariadb: "DXT_TEST_MARIADB", "mysql 5.6": "DXT_TEST_MYSQL_56" };
export type MySQLServer = keyof typeof MYSQL_SERVERS;

/** A server of MySQL's kind that `deno task test` started. */
export function mysqlTest(server: MySQLServer): TestServer {
  return serverOf(MYSQL_SERVERS[server]);
}

/** Why a service of the tests is missing; the end of `deno task test` says more. */
export function whyMissing(name: string, remedy: string): string {
  const missing = Deno.env.get("DXT_TEST_MISSING")?.split(",") ?? [];
  return missing.includes(name) ? `${name} is missing` : `${name} is not set: ${remedy}`;
}

function serverOf(name: string): TestServer {
  const url = Deno.env.get(name) ?? "";
  return {
    url,
    authority: Deno.env.get(`${name}_AUTHORITY`) ?? "",
    folder: Deno.env.get(`${name}_FOLDER`) ?? "",
    missing: url === "" ? whyMissing(name, "deno task services starts the server") : undefined,
  };
}

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  /** Runs statements, and returns the rows of the last one. */
  sql(text: string): Promise<Record<string, unknown>[]>;
}

/** A database of the test's own, dropped with everything that is connected to it. */
export async function freshDatabase(url: string): Promise<TestDatabase> {
  const name = `dxt_${crypto.randomUUID().replaceAll("-", "")}`;
  await once(url, `CREATE DATABASE ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  const client = clientOf(own.href);
  return {
    url: own.href,
    async sql(text) {
      const result = await client.unsafe(text) as unknown as Record<string, unknown>[][];
      return (Array.isArray(result[0]) ? result.at(-1)! : result) as Record<string, unknown>[];
    },
    async [Symbol.asyncDispose]() {
      await client.end();
      await once(url, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

function clientOf(url: string) {
  return postgres(url, { max: 1, onnotice: () => {}, idle_timeout: 0, max_lifetime: null });
}

async function once(url: string, sql: string): Promise<void> {
  const client = clientOf(url);
  try {
    await client.unsafe(sql);
  } finally {
    await client.end();
  }
}
