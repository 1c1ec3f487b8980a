/** Source data of the paths: a table in PostgreSQL, and files with the same rows. */
import { shell, type Variables } from "./shell.ts";
import { createTable } from "./tables.ts";
import type { Source, Table } from "./way.ts";
import type { World } from "./world.ts";

/** Scripts by their result, for the table `$TABLE`. */
const MAKE: Readonly<Record<Exclude<Source, "postgres">, string>> = {
  csv: `sql "$SOURCE" -c "\\copy $TABLE to '$DATA/$TABLE.csv' csv header"`,
  jsonl:
    `sql "$SOURCE" -c "COPY (SELECT row_to_json(t) FROM $TABLE AS t) TO STDOUT" > "$DATA/$TABLE.jsonl"`,
  sqlite: `
cat > fixture.yaml <<'EOF'
version: 1
name: fixture
source: "\${SOURCE}"
target: { provider: sqlite, path: "\${DATA}/\${TABLE}.db" }
streams: [{ id: fixture, source: "\${TABLE}", target: "\${TABLE}" }]
EOF
dxt run fixture.yaml --quiet`,
};

/** Data of one size. Each part is created once, on first use. */
export class Data {
  readonly env: Variables;
  readonly #made = new Map<string, Promise<unknown>>();

  constructor(private readonly world: World, readonly rows: number) {
    const { cwd, env } = world.place;
    const source = new URL(env["SERVER"]!);
    source.pathname = `/bench_${rows}`;
    this.env = { ...env, SOURCE: source.href, DATA: `${cwd}/data_${rows}` };
  }

  async need(source: Source, table: Table): Promise<void> {
    const { rows } = this;
    await this.#once(
      "database",
      `mkdir "$DATA" && sql "$SERVER" -c 'CREATE DATABASE bench_${rows}'`,
    );
    await this.#once(table, `sql "$SOURCE" <<'SQL'\n${createTable(table, rows)}\nSQL`);
    if (source !== "postgres") await this.#once(`${table}.${source}`, MAKE[source], table);
  }

  #once(what: string, script: string, table = ""): Promise<unknown> {
    const { cwd } = this.world.place;
    const made = this.#made.get(what) ?? shell(script, { cwd, env: { ...this.env, TABLE: table } });
    this.#made.set(what, made);
    return made;
  }
}
