/**
 * Answers queries with DuckDB, in a process of its own: `deno run -A duckdb.ts version`, a JSON list
 * of queries on standard input, a JSON list of their rows on standard output.
 */
interface Connection {
  runAndReadAll(sql: string): Promise<{ getRowsJson(): unknown[][] }>;
}

// Not a literal: whoever checks the types of the tests need not fetch it.
const { DuckDBInstance } = await import(`npm:@duckdb/node-api@${Deno.args[0]}`);
const connection: Connection = await (await DuckDBInstance.create(":memory:")).connect();
const queries = await new Response(Deno.stdin.readable).json() as string[];
const answers: unknown[][][] = [];
for (const sql of queries) answers.push((await connection.runAndReadAll(sql)).getRowsJson());
await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(answers)));
