import assert from "node:assert/strict";
import type { StreamRef } from "../../../src/models/source.ts";
import { dialect as mysql } from "../../../src/providers/relational/mysql/dialect.ts";
import { dialect as postgres } from "../../../src/providers/relational/postgres/sql/dialect.ts";
import { dialect as sqlite } from "../../../src/providers/relational/sqlite/sql/dialect.ts";
import { tableName } from "../../../src/providers/relational/names.ts";
import { fromClause, withoutSemicolon } from "../../../src/providers/relational/select.ts";

Deno.test("a query loses its last semicolons and what follows them, and nothing else", () => {
  const queries = {
    "SELECT 1;": "SELECT 1",
    " SELECT 1 ;; -- done; really": " SELECT 1",
    "SELECT ';' ; /* a; b */": "SELECT ';'",
    "SELECT '--;'": "SELECT '--;'",
    'SELECT "a;--" FROM t;': 'SELECT "a;--" FROM t',
    "SELECT E'it\\'s; --' ;": "SELECT E'it\\'s; --'",
    "SELECT $x$;--$x$;": "SELECT $x$;--$x$",
    "SELECT 1; DELETE FROM t;": "SELECT 1; DELETE FROM t",
  };
  for (const [sql, wanted] of Object.entries(queries)) {
    assert.equal(withoutSemicolon(sql, postgres), wanted);
  }
});

Deno.test("MySQL's strings know backslashes, its comments begin with #, and some of them are run", () => {
  const queries = {
    "SELECT 'it\\'s; --' ; # done; really": "SELECT 'it\\'s; --'",
    'SELECT "a\\";" ;': 'SELECT "a\\";"',
    "SELECT '\\\\' ; # ' ;": "SELECT '\\\\'",
    "SELECT 1 --1;": "SELECT 1 --1",
    "SELECT 1 -- 1;": "SELECT 1",
    "SELECT 1 /*! LIMIT 1 */;": "SELECT 1 /*! LIMIT 1 */",
    "SELECT a$b$ FROM t; -- $b$": "SELECT a$b$ FROM t",
    "SELECT `;` ;": "SELECT `;`",
  };
  for (const [sql, wanted] of Object.entries(queries)) {
    assert.equal(withoutSemicolon(sql, mysql), wanted);
  }
});

Deno.test("a table's name may have a schema, and parts in quotes", () => {
  const name = (text: string) => tableName({ type: "relation", name: text });
  assert.deepEqual(name("orders"), { name: "orders" });
  assert.deepEqual(name("shop.orders"), { schema: "shop", name: "orders" });
  assert.deepEqual(name('"shop.orders"'), { name: "shop.orders" });
  assert.deepEqual(name('"a""b"."c.d"'), { schema: 'a"b', name: "c.d" });
  assert.deepEqual(tableName({ type: "relation", schema: "s", name: "a.b" }), {
    schema: "s",
    name: "a.b",
  });
});

Deno.test("arguments of a function are literals of their system, or the function is refused", () => {
  const ref: StreamRef = { type: "function", name: "f", args: ["it's \\ x", 7, true, null] };
  assert.equal(fromClause(ref, postgres), `"f"( E'it''s \\\\ x', 7, TRUE, NULL) AS dxt_function`);
  assert.equal(fromClause(ref, sqlite), `"f"('it''s \\ x', 7, TRUE, NULL) AS dxt_function`);
  assert.throws(() => fromClause(ref, mysql), {
    name: "ConfigurationError",
    message:
      'Cannot read function "f": MySQL has no functions that return rows; expected relation or sql',
  });
});
