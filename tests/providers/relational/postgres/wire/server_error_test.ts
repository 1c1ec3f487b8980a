/** Errors of the server show the line of the statement that they point to. */
import assert from "node:assert/strict";
import { PostgresError } from "../../../../../src/providers/relational/postgres/wire/server_error.ts";

const report = { severity: "ERROR", code: "42703", message: 'column "nme" does not exist' };
const SAID = 'column "nme" does not exist (SQLSTATE 42703)';

const PLACES: readonly [statement: string, position: string | undefined, shown: string][] = [
  ["SELECT nme FROM t", undefined, ""],
  ["SELECT nme FROM t", "8", "\n  LINE 1: SELECT nme FROM t\n                 ^"],
  ["SELECT id,\n\tnme\nFROM t", "13", "\n  LINE 2:  nme\n           ^"],
  ["SELECT '𝄞', nme", "13", "\n  LINE 1: SELECT '𝄞', nme\n                      ^"],
  [`SELECT ${"x,".repeat(50)}nme${", y".repeat(50)}`, "108", `\n  LINE 1: …${"x,".repeat(30)}nme`],
];

Deno.test("the place in a statement is marked below its line", () => {
  for (const [statement, position, shown] of PLACES) {
    const { message } = new PostgresError({ ...report, position }).inStatement(statement);
    assert.ok(message.startsWith(SAID + shown), message);
    if (!shown.includes("…")) assert.equal(message, SAID + shown);
    const [, line, caret] = message.split("\n");
    if (line !== undefined) assert.equal([...line][[...caret!].length - 1], "n", message);
  }
});
