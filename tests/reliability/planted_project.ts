/** A project with all planted secrets, and a pipeline for each place that may have one. */
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Scope } from "./outcome.ts";
import type { Secrets } from "./planted_secrets.ts";

export interface PlantedProject {
  readonly folder: string;
  readonly secrets: Secrets;
  /** Files in which the secrets were planted. */
  readonly planted: ReadonlySet<string>;
  /** Names of pipelines whose systems this machine has. */
  readonly pipelines: readonly string[];
}

/** A login of PostgreSQL, whose password is the secret of the environment. */
export const LOGIN = "reader_of_secrets";

/** Writes a project with a pipeline for each place that may have a secret. */
export async function plant(
  secrets: Secrets,
  url: string,
  scope: Scope,
): Promise<PlantedProject> {
  const folder = await Deno.makeTempDir({ dir: scope.folder });
  const planted = new Set<string>();
  const write = async (name: string, content: string | object) => {
    const path = join(folder, name);
    await Deno.mkdir(dirname(path), { recursive: true });
    await Deno.writeTextFile(path, typeof content === "string" ? content : JSON.stringify(content));
    planted.add(path);
  };
  {
    using database = new DatabaseSync(join(folder, "source.db"));
    database.exec(`CREATE TABLE t (id INTEGER PRIMARY KEY, word TEXT);
      INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, NULL)`);
  }
  {
    using database = new DatabaseSync(join(folder, "refusing.db"));
    database.exec("CREATE TABLE s (id INTEGER PRIMARY KEY, word TEXT NOT NULL)");
  }
  const pem = (kind: string, content: string) =>
    `-----BEGIN ${kind}-----\n${content}\n-----END ${kind}-----\n`;
  await write("ca.pem", pem("CERTIFICATE", secrets.certificate));
  await write("client.key", pem("PRIVATE KEY", secrets["private key"]));
  await write(".env", `DOTENV=${secrets.dotenv}\nSQL_KEY=${secrets["variable in SQL"]}\n`);
  await write("other.env", `OTHER=${secrets["env file"]}\n`);
  await write("dxt_project.yaml", {
    version: 1,
    connections: {
      far: {
        provider: "postgres",
        host: "127.0.0.1",
        port: 1,
        user: "u",
        password: secrets.project,
      },
    },
    logging: {
      ...{ file: "logs/dxt.jsonl", level: "debug", receipts: "receipts" },
      receipt_key: secrets["receipt key"],
    },
  });
  const pipelines = { ...listPipelines(secrets, url), ...listServerPipelines(secrets, scope) };
  for (const [name, { stream, ...ends }] of Object.entries(pipelines)) {
    await write(`${name}.yaml`, {
      ...{
        version: 1,
        name,
        target: { provider: "sqlite", path: "out.db" },
        buffer: { format: "jsonl" },
      },
      ...ends,
      streams: [{ id: "s", source: "t", ...stream }],
    });
  }
  return { folder, secrets, planted, pipelines: Object.keys(pipelines) };
}

interface Ends {
  readonly source: unknown;
  readonly target?: unknown;
  readonly stream?: object;
}

const sql = (text: string) => ({ type: "sql", sql: text });

/** Pipelines that need no server, or a server that does not answer. */
function listPipelines(secrets: Secrets, url: string): Record<string, Ends> {
  const sqlite = { provider: "sqlite", path: "source.db" };
  const http = { provider: "http", url, token: secrets.token };
  const refused = "127.0.0.1:1";
  const pg = { provider: "postgres", host: "127.0.0.1", port: 1, user: "u", database: "d" };
  return {
    "http": { source: http, stream: { source: "a.csv" } },
    "http_query": {
      source: { ...http, token: "wrong", url: `${url}?sig=${secrets.query}` },
      stream: { source: { type: "file", path: "a.csv" } },
    },
    "http_basic": {
      source: { provider: "http", url, user: "reader", password: secrets.basic },
      stream: { source: "a.csv" },
    },
    "http_user_info": {
      source: url.replace("://", `://reader:${secrets["user info"]}@`),
      stream: { source: "moved.csv" },
    },
    "url": { source: `postgres://u:${secrets.url}@${refused}/d` },
    "encoded_url": {
      source: `postgres://u:${encodeURIComponent(secrets["encoded url"])}@${refused}/d`,
    },
    "key": { source: { ...pg, password: secrets.key } },
    "mistyped_key": { source: { ...pg, pasword: secrets.key } },
    "default": { source: { ...pg, password: `\${NOBODY:-${secrets.default}}` } },
    "dotenv": { source: { ...pg, password: "${DOTENV}" } },
    "env_file": { source: { ...pg, password: "${OTHER}" } },
    "argument": { source: { ...pg, password: "${ARGUMENT}" } },
    "project": { source: "far" },
    "quoted": {
      source: {
        provider: "mysql",
        host: "127.0.0.1",
        port: 1,
        user: "u",
        password: secrets.quoted,
      },
    },
    "certificate": { source: { ...pg, sslmode: "verify-full", sslrootcert: "ca.pem" } },
    "variable_in_sql": {
      source: sqlite,
      stream: { source: sql("SELECT id FROM t WHERE word <> '${SQL_KEY}'") },
    },
    "key_in_sql": {
      source: sqlite,
      stream: { source: sql(`SELECT id FROM t WHERE 'password=${secrets["key in SQL"]} x' <> ''`) },
    },
    "url_in_sql": {
      source: sqlite,
      stream: {
        source: sql(`SELECT id FROM nowhere WHERE 'a://u:${secrets["url in SQL"]}@h/d' = ''`),
      },
    },
    "dead_letters": {
      source: sqlite,
      target: { provider: "sqlite", path: "refusing.db" },
      stream: {
        source: sql("SELECT id, word FROM t WHERE '${SQL_KEY}' <> ''"),
        error_handling: { on_load_error: "skip" },
        load: { mode: "replace" },
      },
    },
    "refused_load": {
      source: sqlite,
      target: { provider: "sqlite", path: "refusing.db" },
      stream: { source: sql("SELECT id, word FROM t WHERE '${SQL_KEY}' <> ''") },
    },
  };
}

function listServerPipelines(
  secrets: Secrets,
  { systems: { postgres, mysql } }: Scope,
): Record<string, Ends> {
  const pipelines: Record<string, Ends> = {};
  if (postgres !== undefined) {
    const login = (password: string) => {
      const { hostname, port, pathname } = new URL(postgres.url);
      const address = { host: hostname, port: Number(port), database: pathname.slice(1) };
      return { provider: "postgres", ...address, user: LOGIN, password };
    };
    pipelines["postgres"] = {
      source: login("${LOGIN}"),
      stream: { source: sql("SELECT 1 AS id WHERE '${SQL_KEY}' <> ''") },
    };
    pipelines["postgres_error"] = {
      source: login("${LOGIN}"),
      stream: { source: sql("SELECT '${SQL_KEY}'::text AS k, nothing FROM pg_class") },
    };
    pipelines["postgres_login"] = { source: login(secrets.key) };
    pipelines["private_key"] = {
      source: {
        ...login("${LOGIN}"),
        ...{ sslmode: "require", sslcert: "ca.pem", sslkey: "client.key" },
      },
    };
  }
  if (mysql !== undefined) {
    const { hostname, port } = new URL(mysql.url);
    const address = { host: hostname, port: Number(port), user: "nobody" };
    pipelines["mysql_login"] = {
      source: { provider: "mysql", ...address, password: secrets.quoted, database: "d" },
    };
  }
  return pipelines;
}
