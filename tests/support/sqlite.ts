/** Questions to two SQLite databases at once. ATTACH needs all permissions, so another process asks. */

/** The first row that a query returns over a database, and another attached as `other`. */
export async function askBoth(
  path: string,
  other: string,
  query: string,
): Promise<Record<string, unknown>> {
  const script = `
    import { DatabaseSync } from "node:sqlite";
    const [path, other, query] = Deno.args;
    using database = new DatabaseSync(path, { readOnly: true });
    database.prepare("ATTACH ? AS other").run(other);
    console.log(JSON.stringify(database.prepare(query).get()));`;
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-lock", script, path, other, query],
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (!success) throw new Error(`the databases cannot be compared: ${query}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** SQL that counts the rows of one query that another does not return, and the other way round. */
export function countDifferences(a: string, b: string): string {
  return `SELECT count(*) FROM (
    SELECT * FROM (${a} EXCEPT ${b}) UNION ALL SELECT * FROM (${b} EXCEPT ${a}))`;
}
