/** What the tests of this provider share. */
import mysql from "../../../../src/providers/relational/mysql/mod.ts";
import { getAddress } from "../../../../src/providers/relational/mysql/config.ts";
import type { MySQLConnector } from "../../../../src/providers/relational/mysql/connector.ts";
import { Session } from "../../../../src/providers/relational/mysql/wire/session.ts";
import {
  MYSQL_SERVERS,
  type MySQLServer,
  mysqlTest,
  type TestServer,
} from "../../../support/services.ts";
import { connectContext } from "../../../support/connect_context.ts";
import { ignoreIf } from "../../../support/ignore.ts";

export const SERVERS = Object.keys(MYSQL_SERVERS) as MySQLServer[];
export const never = new AbortController().signal;

/** A session as the provider's are. */
export function openSession(
  url: string,
  keys: Record<string, unknown> = {},
  options = { localFiles: false },
): Promise<Session> {
  const config = mysql.config.parse({
    sslmode: "disable",
    ...mysql.urls!.parse(url, "/") as object,
    ...keys,
  });
  const target = { ...config, ...getAddress(config), baseDirectory: "/", showValues: false };
  return Session.open(target, undefined, options);
}

export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  readonly session: Session;
  /** Runs a statement, and returns its rows. */
  sql(text: string): Promise<(string | null)[][]>;
}

/** A database of the test's own. */
export async function freshDatabase(url: string): Promise<TestDatabase> {
  const name = `dxt_${crypto.randomUUID().replaceAll("-", "")}`;
  const admin = await openSession(url);
  await admin.query(`CREATE DATABASE ${name}`);
  const own = new URL(url);
  own.pathname = `/${name}`;
  const session = await openSession(own.href);
  return {
    url: own.href,
    session,
    sql: async (text) => (await session.query(text)).rows,
    async [Symbol.asyncDispose]() {
      await session.close();
      await admin.query(`DROP DATABASE ${name}`);
      await admin.close();
    },
  };
}

/** A test for each server that is there; ignored where there is none, or another one is missing. */
export function onServers(
  name: string,
  run: (database: TestDatabase, server: TestServer) => Promise<void>,
  missing?: string,
): void {
  for (const kind of SERVERS) {
    const server = mysqlTest(kind);
    Deno.test({
      ...ignoreIf(server.missing ?? missing, `${kind}: ${name}`),
      async fn() {
        await using database = await freshDatabase(server.url);
        await run(database, server);
      },
    });
  }
}

export function connect(
  url: string,
  keys: Record<string, unknown> = {},
  signal = never,
  warnings: string[] = [],
  statements: string[] = [],
): Promise<MySQLConnector> {
  const config = mysql.config.parse({
    sslmode: "disable",
    ...mysql.urls!.parse(url, "/") as object,
    ...keys,
  });
  return mysql.connect(config, connectContext("/", signal, warnings, statements));
}
