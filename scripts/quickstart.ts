/**
 * A first look at dxt: files into SQLite, then new records, then nothing new, then SQLite into
 * Parquet. `deno task start` runs it from the beginning each time.
 */
import { main, processIO } from "../src/cli/main.ts";

const RUNS: readonly (readonly [string, string[]])[] = [
  ["Files into SQLite, the year 2015 left out", [
    "run",
    "pipelines/quickstart.yaml",
    "--var",
    "YEARS=201[2-4]",
  ]],
  ["The same again: of the weather only 2015 is new", ["run", "pipelines/quickstart.yaml"]],
  ["Nothing is new any more", ["run", "pipelines/quickstart.yaml", "--select", "tag:daily"]],
  ["SQLite into Parquet files in pipelines/out", ["run", "pipelines/quickstart_export.yaml"]],
];

const OUT = "pipelines/out";

const io = processIO("quickstart");
try {
  Deno.removeSync(OUT, { recursive: true });
} catch (error) {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
Deno.mkdirSync(OUT);
for (const [what, args] of RUNS) {
  io.stdout.write(`\n# ${what}\n$ dxt ${args.join(" ")}\n`);
  const code = await main(args, io);
  if (code !== 0) Deno.exit(code);
}
