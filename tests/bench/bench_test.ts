import assert from "node:assert/strict";
import { ignoreIf, notLinux } from "../support/ignore.ts";
import { fileURLToPath } from "node:url";
import type { Report } from "../../scripts/bench/report.ts";
import { postgresTest } from "../support/services.ts";

const BENCH = fileURLToPath(new URL("../../scripts/bench.ts", import.meta.url));

async function bench(...args: string[]) {
  const output = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", BENCH, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const [out, errors] = [output.stdout, output.stderr].map((b) => new TextDecoder().decode(b));
  return { code: output.code, out: out!, errors: errors! };
}

Deno.test({
  ...ignoreIf(
    notLinux ?? postgresTest(15).missing,
    "the bench moves rows, counts them, and tells all figures",
  ),
  async fn() {
    const { code, out, errors } = await bench(
      ...["--rows", "1000", "--rounds", "1", "--wait", "0", "--no-peers", "--json"],
      ...["--only", "SQLite → PostgreSQL"],
    );
    assert.equal(code, 0, errors);
    const { rows, server, programs, paths }: {
      rows: number;
      server: string;
      programs: Record<string, string>;
      paths: Report[];
    } = JSON.parse(out);
    assert.equal(rows, 1000);
    assert.match(server, /^\d+.* fsync=on /);
    assert.match(programs["psql"]!, /^\d/);
    assert.deepEqual(paths.map(({ path }) => path), ["SQLite → PostgreSQL, wide"]);
    const { results } = paths[0]!;
    assert.deepEqual(
      results.map(({ way, rows, rounds, verified, problem }) => ({
        way,
        rows,
        rounds,
        verified,
        problem,
      })),
      [
        ["dxt", 1000],
        ["dxt, a tenth of the rows", 100],
        ["sqlite3 -csv | \\copy", 1000],
      ].map(([way, rows]) => ({ way, rows, rounds: 1, verified: true, problem: undefined })),
    );
    for (const { seconds, client_cpu, server_cpu } of results) {
      assert.ok(seconds! > 0 && client_cpu! > 0 && server_cpu! >= 0);
    }
    assert.ok(results[0]!.peak_mib! > 20);
    assert.equal(results[2]!.ratio, results[0]!.seconds! / results[2]!.seconds!);
  },
});

Deno.test("the bench refuses what it cannot do", async () => {
  for (const args of [["--rows", "many"], ["--rounds", "0"]]) {
    const { code, errors } = await bench(...args);
    assert.equal(code, 1);
    assert.match(errors, /Cannot bench with --(rows|rounds) "(many|0)": expected at least \d+/);
  }
});
