/** URLs as people paste them from other programs: one table per provider of what each means, and of what is refused. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { readOptions } from "../../src/providers/transport/connection_url.ts";
import { connectionKeys } from "../../src/providers/provider_info.ts";
import { firstIssue } from "../../src/providers/options.ts";
import { loadProvider, providerOfURL } from "../../src/providers/resolve.ts";
import { withFolder } from "../support/run.ts";

type Keys = Readonly<Record<string, unknown>>;

/** What a URL means, or the error: of the URL, or of the keys that it has. */
async function meaning(url: string, baseDirectory: string): Promise<unknown> {
  const provider = await loadProvider(providerOfURL(url));
  let keys: Record<string, unknown>;
  try {
    keys = connectionKeys(provider, { url, keys: {}, baseDirectory });
  } catch (error) {
    return (error as Error).message;
  }
  const parsed = provider.config.safeParse(keys);
  return parsed.success ? keys : firstIssue(provider.config, parsed.error).message;
}

const LOGIN = { user: "me", host: "h" };
const X = { ...LOGIN, database: "x" };

const MEANINGS: Readonly<Record<string, Readonly<Record<string, Keys | RegExp>>>> = {
  postgres: {
    "postgres://me@h": LOGIN,
    "postgresql://me@h/x": X,
    "postgresql+psycopg://me@h/x": X,
    "postgresql+psycopg2://me@h/x": X,
    "postgres+asyncpg://me@h:6543/x": { ...X, port: 6543 },
    "POSTGRES://me@h/x": X,
    "postgres://a%40b:p%3Aw%2F@h/my%20db": {
      ...{ user: "a@b", password: "p:w/", host: "h", database: "my db" },
    },
    "postgres://a@b:p@h/x": { user: "a@b", password: "p", host: "h", database: "x" },
    "postgres://me:100%@h": { ...LOGIN, password: "100%" },
    "postgres://me@[::1]:6543/x": { ...X, host: "::1", port: 6543 },
    "postgres://me@[fe80::1%25eth0]/x": { ...X, host: "fe80::1%eth0" },
    "postgres://me@[::1]:1,[fe80::2]:2": { user: "me", host: "::1,fe80::2", port: "1,2" },
    "postgres://me@a,b/x": { ...X, host: "a,b" },
    "postgres://me@a:1,b:2/x": { ...X, host: "a,b", port: "1,2" },
    "postgres://me@a,b:2/x": { ...X, host: "a,b", port: ",2" },
    "postgres://me@%2Fvar%2Frun%2Fpostgresql/x": { ...X, host: "/var/run/postgresql" },
    "postgres:///x?host=/var/run/postgresql&user=me": { ...X, host: "/var/run/postgresql" },
    "postgres://me@/x?host=a,b&port=1,2&target_session_attrs=read-write": {
      ...{ ...X, host: "a,b", port: "1,2", target_session_attrs: "read-write" },
    },
    "postgres://h?dbname=x&user=me&password=a+b%2Bc": { ...X, password: "a+b+c" },
    "postgres://me@h/x?sslmode=verify-full&sslrootcert=ca.pem": {
      ...{ ...X, sslmode: "verify-full", sslrootcert: "ca.pem" },
    },
    "postgres://me@h/x?sslmode=verify-full&sslrootcert=system": { ...X, sslmode: "verify-full" },
    "postgres://me@h/x?channel_binding=require&sslcert=c.pem&sslkey=k.pem": {
      ...{ ...X, channel_binding: "require", sslcert: "c.pem", sslkey: "k.pem" },
    },
    "postgres://me@h/x?connect_timeout=3&application_name=etl": {
      ...{ ...X, connect_timeout: 3, application_name: "etl" },
    },
    "postgres://me@h/x?options=-csearch_path=a,b": { ...X, options: "-csearch_path=a,b" },
    "postgres://me@h/x?options=-c%20search_path%3Da": { ...X, options: "-c search_path=a" },
    "postgres://me@h/x?schema=shop": { ...X, schema: "shop" },
    "postgresql://me@h/x?currentSchema=shop": { ...X, schema: "shop" },
    "postgres://me@h/x?slmode=require": /unknown key "slmode".*did you mean "sslmode"/,
    "postgres://me@h/x?keepalives_idle=3": /unknown key "keepalives_idle": known are host, port/,
    "postgres://me@h/x?sslmode=allow": /key "sslmode".*"disable".*"prefer"/,
    "postgres://me@a,b:1,c:2,d/x?port=1,2": /as many as there are hosts/,
    "postgres://me:s3cret@host:port/x": /^Cannot read the postgres URL: expected postgres:\/\/user/,
    "postgres://me:s3cret@a:1:2/x": /^Cannot read the postgres URL/,
    "postgres://me:s3cret@[::1/x": /^Cannot read the postgres URL/,
    "postgres://me:s3cret@a b/x": /^Cannot read the postgres URL/,
    "postgres://me:s3/cret@h/x": /^Cannot read the postgres URL/,
    "postgres:me:s3cret@a": /^Cannot read the postgres URL/,
  },
  mysql: {
    "mysql://me@h/x": X,
    "mariadb://me@h:80/x": { ...X, port: 80 },
    "mysql+pymysql://me@h/x?charset=utf8mb4": X,
    "mariadb+mariadbconnector://me@h/x": X,
    "mysql://a%40b:p%3Aw%2F@h/my%20db": {
      ...{ user: "a@b", password: "p:w/", host: "h", database: "my db" },
    },
    "mysql://me:100%@h": { ...LOGIN, password: "100%" },
    "mysql://me@[::1]:3307/x": { ...X, host: "::1", port: 3307 },
    "mysql://me@/x?unix_socket=/run/mysqld/mysqld.sock": { ...X, host: "/run/mysqld/mysqld.sock" },
    "mysql://me@%2Frun%2Fmysqld%2Fmysqld.sock/x": { ...X, host: "/run/mysqld/mysqld.sock" },
    "mysql://me@h/x?ssl-mode=REQUIRED": { ...X, sslmode: "require" },
    "mysql://me@h/x?ssl-mode=VERIFY_IDENTITY&ssl-ca=ca.pem": {
      ...{ ...X, sslmode: "verify-full", sslrootcert: "ca.pem" },
    },
    "mysql://me@h/x?allow_public_key_retrieval=true&connect_timeout=3": {
      ...{ ...X, allow_public_key_retrieval: true, connect_timeout: 3 },
    },
    "mysql://me@h/x?charset=latin1": /unknown key "charset"/,
    "mysql://me@h/x?slmode=require": /unknown key "slmode".*did you mean "sslmode"/,
    "mysql://me:s3cret@a,b/x": /^Cannot read the mysql URL: it has the hosts a,b, expected one/,
    "mysql://me:s3cret@host:port/x": /^Cannot read the mysql URL: expected mysql:\/\/user/,
    "mysql:me:s3cret@h": /^Cannot read the mysql URL/,
  },
  sqlite: {
    "sqlite:src.db": { path: "src.db" },
    "sqlite:data/src.db": { path: "data/src.db" },
    "sqlite:/abs/src.db": { path: "/abs/src.db" },
    "sqlite3:src.db": { path: "src.db" },
    "sqlite://src.db": { path: "src.db" },
    "sqlite://./new/src.db": { path: "./new/src.db" },
    "sqlite:///src.db": { path: "src.db" },
    "sqlite:///new/src.db": { path: "new/src.db" },
    "sqlite:////abs/src.db": { path: "/abs/src.db" },
    "sqlite+pysqlite:///src.db": { path: "src.db" },
    "sqlite+aiosqlite:////abs/src.db": { path: "/abs/src.db" },
    "sqlite:my%20data%3F.db": { path: "my data?.db" },
    "sqlite:100%.db": { path: "100%.db" },
    "sqlite:a%23b.db": { path: "a#b.db" },
    "sqlite:a.db#b": /a sqlite URL with a fragment: .* expected %23 for "#" in a path/,
    "sqlite:///src.db?mode=ro": { path: "src.db", readonly: true },
    "sqlite:src.db?timeout=2.5": { path: "src.db", busy_timeout_ms: 2500 },
    "sqlite:src.db?readonly=true&busy_timeout_ms=9": {
      ...{ path: "src.db", readonly: true, busy_timeout_ms: 9 },
    },
    "sqlite::memory:": /in memory would be gone after the run, expected a file's path/,
    "sqlite://": /in memory would be gone/,
    "sqlite:///": /in memory would be gone/,
    "sqlite:///:memory:": /in memory would be gone/,
    "sqlite:///file:a.db?mode=ro": /expected a plain path, not a file: URI/,
    "sqlite:src.db?mode=fast": /unknown key "mode"/,
    "sqlite:src.db?readonyl=true": /unknown key "readonyl".*did you mean "readonly"/,
    "sqlite:src.db?timeout=soon": /key "busy_timeout_ms"/,
    "sqlite://host/src.db": /expected sqlite:folder\/file.db \(relative\) or sqlite:\/{4}folder/,
    "sqlite://me:s3cret@host/src.db": /^Cannot use a sqlite URL with two slashes and a folder/,
  },
  local: {
    "file:/x/in": { path: "/x/in" },
    "file:///x/in": { path: "/x/in" },
    "file://localhost/x/in": { path: "/x/in" },
    "file:./in": { path: "./in" },
    "file:../in": { path: "../in" },
    "file:in": { path: "in" },
    "FILE:///x": { path: "/x" },
    "file:///with%20space%3F%23": { path: "/with space?#" },
    "file://host/x": /^Cannot use URL "file:\/\/host\/x": expected a local path, such as/,
    "file:///100%": /expected a local path/,
    "file:///x?a=1": /it has a query, expected a path alone; in a path, \? is %3F and # is %23/,
    "file:///x#a": /it has a fragment/,
  },
  http: {
    "https://h/in/": { url: "https://h/in/" },
    "HTTP://h": { url: "http://h/" },
    "https://me:s3cret%20@h:8443/in/x.csv?sig=a%20b": {
      ...{ user: "me", password: "s3cret ", url: "https://h:8443/in/x.csv?sig=a%20b" },
    },
    "http://[::1]:8080/": { url: "http://[::1]:8080/" },
    "https://:s3cret@/": /expected a URL such as https:\/\/host\/folder\//,
  },
};

for (const [provider, urls] of Object.entries(MEANINGS)) {
  Deno.test(`URLs of ${provider}`, async () => {
    for (const [url, expected] of Object.entries(urls)) {
      assert.equal(providerOfURL(url), provider, url);
      const found = await meaning(url, Deno.cwd());
      if (!(expected instanceof RegExp)) {
        assert.deepEqual(found, expected, url);
        continue;
      }
      assert.equal(typeof found, "string", `${url}: ${JSON.stringify(found)}`);
      assert.match(found as string, expected, url);
      assert.ok(!(found as string).includes("s3cret"), url);
    }
  });
}

Deno.test("three slashes that are meant as the root are reported, where the disk shows it", () =>
  withFolder(async (folder) => {
    const inside = folder.slice(1);
    const refused = async (name: string, ...said: string[]) => {
      const message = await meaning(`sqlite:///${inside}/${name}`, folder);
      for (const words of said) assert.ok(String(message).includes(words), String(message));
    };
    // The absolute folder exists and the relative one does not: a load would create it.
    await refused("new.db", `"${folder}" does`, `"sqlite:///${folder}/new.db" for the absolute`);
    await Deno.writeTextFile(join(folder, "old.db"), "");
    await refused("old.db", `"${join(folder, "old.db")}" does`, `"sqlite:${inside}/old.db"`);
    await Deno.mkdir(join(folder, inside), { recursive: true });
    await refused("old.db", `"${join(folder, "old.db")}" does`);
    const path = `${inside}/new.db`;
    assert.deepEqual(await meaning(`sqlite:///${path}`, folder), { path });
    await Deno.writeTextFile(join(folder, inside, "old.db"), "");
    const both = `${inside}/old.db`;
    assert.deepEqual(await meaning(`sqlite:///${both}`, folder), { path: both });
  }));

Deno.test("options of a URL are read as libpq reads them", () => {
  assert.deepEqual(readOptions(""), []);
  assert.deepEqual(readOptions("a=1&&b&c=x=y&d=%26+%zz"), [
    ["a", "1"],
    ["b", ""],
    ["c", "x=y"],
    ["d", "%26+%zz"],
  ]);
});
