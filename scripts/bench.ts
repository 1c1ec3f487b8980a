// deno-lint-ignore-file no-console -- a script prints
/**
 * Compares dxt with floors, which do less work, and with other programs:
 *
 *     deno task bench [--rows 3000000] [--rounds 5] [--only TEXT]... [--no-peers] [--json]
 *                     [--wait SECONDS]
 *     deno task bench --install
 *
 * A path has one kind of source and target; a way is a program that takes it. Each round runs every
 * way of a path once, in another order, so that a slow moment of the machine affects all of them.
 * Figures are medians of the rounds, ratios are medians of the ratios of each round. A first round
 * warms the caches and checks that the targets have all rows. Missing programs are listed as absent;
 * `--install` fetches them into the user's cache folder. The exit code is 1 when dxt failed or did
 * not move all rows.
 */
import { parseArgs } from "node:util";
import { Data } from "./bench/data.ts";
import { installPrograms } from "./bench/programs.ts";
import { FROM_FILES } from "./bench/paths/files.ts";
import { FROM_POSTGRES } from "./bench/paths/postgres.ts";
import { starts } from "./bench/paths/start.ts";
import { formatReport, makeReport, type Report } from "./bench/report.ts";
import { runRounds, SMALLER } from "./bench/rounds.ts";
import { makeWorld, type World } from "./bench/world.ts";

const { values } = parseArgs({
  options: {
    rows: { type: "string", default: "3000000" },
    rounds: { type: "string", default: "5" },
    only: { type: "string", multiple: true, default: [] },
    peers: { type: "boolean", default: true },
    wait: { type: "string", default: "30" },
    json: { type: "boolean", default: false },
    install: { type: "boolean", default: false },
  },
  allowNegative: true,
});

function whole(name: "rows" | "rounds" | "wait", least: number): number {
  const value = Number(values[name]);
  if (Number.isInteger(value) && value >= least) return value;
  throw new Error(`Cannot bench with --${name} "${values[name]}": expected at least ${least}`);
}

const tell = (line: string) => console.error(line);

async function bench(world: World): Promise<Report[]> {
  const rows = whole("rows", SMALLER);
  const rounds = whole("rounds", 1);
  const wait = whole("wait", 0);
  const all = [...FROM_POSTGRES, ...FROM_FILES, ...starts(world.compiled)];
  const paths = all.filter(({ name }) =>
    values.only.length === 0 || values.only.some((text) => name.includes(text))
  );
  if (paths.length === 0) {
    throw new Error(`Cannot bench ${values.only.map((text) => `"${text}"`).join(", ")}: no path`);
  }
  const data = [new Data(world, rows), new Data(world, Math.floor(rows / SMALLER))] as const;
  const reports: Report[] = [];
  for (const path of paths) {
    const report = makeReport(
      await runRounds(world, path, data, { rounds, peers: values.peers, wait, tell }),
    );
    reports.push(report);
    if (!values.json) console.log(`${formatReport(report)}\n`);
  }
  return reports;
}

function listPrograms({ programs }: World): Record<string, string> {
  return Object.fromEntries(
    Object.entries(programs).map(([name, program]) => [
      name,
      "path" in program ? program.version : `absent: ${program.absent}`,
    ]),
  );
}

function head(world: World): string {
  const programs = Object.entries(listPrograms(world)).map((pair) => pair.join(" ")).join(", ");
  return `${whole("rows", SMALLER)} rows, medians of ${whole("rounds", 1)} rounds, ` +
    `${navigator.hardwareConcurrency} cores\nPostgreSQL ${world.server}\n${programs}\n`;
}

/** Warns when other work on the machine may have affected the figures. */
function foot(reports: readonly Report[]): string {
  const waited = reports.reduce((sum, report) => sum + report.waited, 0);
  const busy = reports.reduce((sum, report) => sum + report.busy_rounds, 0);
  const rounds = reports.length * (whole("rounds", 1) + 1);
  return `waited ${
    waited.toFixed(0)
  } s for a quiet machine; it was busy before ${busy} of ${rounds} rounds`;
}

function failed({ results }: Report): boolean {
  return results.some(({ role, problem }) => role === "dxt" && problem !== undefined);
}

if (values.install) {
  await installPrograms(tell);
} else {
  await using world = await makeWorld();
  for (const [signal, code] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    Deno.addSignalListener(signal, async () => {
      await world[Symbol.asyncDispose]();
      Deno.exit(code);
    });
  }
  if (!values.json) console.log(head(world));
  const reports = await bench(world);
  if (values.json) {
    const { server } = world;
    const options = { rows: whole("rows", SMALLER), rounds: whole("rounds", 1) };
    console.log(
      JSON.stringify(
        { ...options, server, programs: listPrograms(world), paths: reports },
        null,
        2,
      ),
    );
  } else {
    console.log(foot(reports));
  }
  if (reports.some(failed)) Deno.exitCode = 1;
}
