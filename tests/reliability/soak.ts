// deno-lint-ignore-file no-console
/**
 * Kills and overlapping pairs at random, in numbers: `deno run -A tests/reliability/soak.ts 200 100`,
 * then rows of the source and cases at once. `DXT_RELIABILITY_POSTGRES` is the URL of an empty
 * PostgreSQL database; without it there are no cases of PostgreSQL. Tells each case, a table by mode
 * and target, and ends with 1 when one failed.
 */
import { setTimeout as delay } from "node:timers/promises";
import postgres from "postgres";
import {
  type Case,
  type Database,
  type Ended,
  isPossible,
  MODES,
  TARGETS,
  Trial,
  WrongTarget,
} from "./trial.ts";

const [kills = 200, pairs = 100, rows = 8000, lanes = 2] = Deno.args.map(Number);
const url = Deno.env.get("DXT_RELIABILITY_POSTGRES");
const client = url === undefined ? undefined : postgres(url, { max: 1, onnotice: () => {} });
const database: Database | undefined = client && {
  url: url!,
  rows: async (sql) =>
    (await client.unsafe(sql)).map((row) => Object.values(row).map((value) => String(value ?? ""))),
};

const CASES = MODES.flatMap((mode) => TARGETS.map((target) => ({ mode, target })))
  .filter((one) => isPossible(one) && (one.target !== "postgres" || database !== undefined));

/** Milliseconds after a commit, and before the end of a run, that get kills of their own. */
const LAST = 160;
/** Milliseconds from the stage to the end of a run: of the last ones that ended by themselves. */
const lasted = [600];

type Tally = Map<string, number>;
const tallies = new Map<string, Tally>();
let failures = 0;

function count(group: string, what: string): void {
  const tally: Tally = tallies.get(group) ?? new Map();
  tallies.set(group, tally.set(what, (tally.get(what) ?? 0) + 1));
}

async function attempt(
  title: string,
  settings: Case,
  work: (trial: Trial, tell: (words: string) => void) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "dxt-soak-" });
  const group = `${title} ${settings.mode} ${settings.target}`;
  const name = `${group} ${settings.exists ? "old" : "new"}`;
  await using trial = new Trial(folder, settings);
  const told: string[] = [];
  count(group, "runs");
  try {
    await trial.prepare();
    await work(trial, (words) => {
      told.push(words);
      count(group, words);
    });
    console.log(`ok ${name}: ${told.join(", ")}`);
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    failures++;
    const isWrong = error instanceof WrongTarget;
    if (isWrong && error.missing > 0) count(group, "LOST");
    if (isWrong && error.surplus > 0) count(group, "DOUBLED");
    if (!isWrong) count(group, "FAILED");
    console.log(`FAILED ${name} in ${folder}: ${told.join(", ")}: ${error}`);
  }
  for (const error of trial.errors) console.log(`  said: ${error}`);
}

function settingsOf(number: number): Case {
  const { mode, target } = CASES[number % CASES.length]!;
  const inPostgres = target === "postgres" || (database !== undefined && Math.random() < 0.5);
  return {
    ...{ mode, target, rows },
    exists: Math.random() < 0.5,
    database: inPostgres ? database : undefined,
  };
}

function stateOf({ code, isTold, isPending, left }: Ended): string {
  if (code === 0) return "ended before the kill";
  const parts = [
    ...(isTold ? ["had told success"] : []),
    ...(isPending ? ["record left"] : []),
    ...(left.includes("s") ? ["stage left"] : []),
  ];
  return `${code} (${parts.length === 0 ? "nothing left" : parts.join("; ")})`;
}

/** A third of the kills hit anywhere from the stage to the end, the others its commit and its end. */
async function killSomewhere(trial: Trial, place: string): Promise<Ended> {
  const { mode } = trial.settings;
  const length = lasted.reduce((sum, ms) => sum + ms, 0) / lasted.length;
  // Only appends tell when they commit.
  const appends = mode === "append" || mode === "incremental";
  const where = Math.floor(Math.random() * 3);
  const ended = where === 1 && appends
    ? await trial.kill(place, "commit", Math.random() * LAST)
    : await trial.kill(
      place,
      "stage",
      where === 0 ? Math.random() * length : length - LAST * (1.2 * Math.random() - 0.2),
    );
  if (ended.code === 0 && where !== 1) {
    lasted.push(ended.ms);
    if (lasted.length > 8) lasted.shift();
  }
  return ended;
}

async function kill(number: number): Promise<void> {
  await attempt("kill", settingsOf(number), async (trial, tell) => {
    const place = await trial.place("a");
    const ended = await killSomewhere(trial, place);
    tell(stateOf(ended));
    const codes = await trial.resume(place, ended);
    if (codes.length > 0) tell(`then ${codes.join(" ")}`);
    // A lock that a killed run left locks nobody out, and goes with the next run.
    await trial.check(1, ended.code === 0 || codes.length > 0 ? [place] : []);
  });
}

async function pair(number: number): Promise<void> {
  const settings = settingsOf(number);
  await attempt("pair", settings, async (trial, tell) => {
    const isOneFolder = (number + Math.floor(number / CASES.length)) % 2 === 0;
    const places = [await trial.place("a"), await trial.place(isOneFolder ? "a" : "b")];
    const codes = await Promise.all(places.map(async (place, at) => {
      await delay(at * Math.random() * 900);
      return await trial.repeat(place);
    }));
    tell(isOneFolder ? "in one folder" : "in two folders");
    for (const code of codes.flat()) tell(`exit ${code}`);
    await trial.check(settings.mode === "append" ? 2 : 1, places);
  });
}

async function inLanes(many: number, work: (number: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (next < many) await work(next++);
  }));
}

function printTallies(): void {
  for (const [group, tally] of [...tallies].sort()) {
    const words = [...tally].sort().map(([what, number]) => `${what}: ${number}`);
    console.log(`${group}: ${words.join(", ")}`);
  }
}

await inLanes(kills, kill);
await inLanes(pairs, pair);
await client?.end();
printTallies();
console.log(`${kills} kills, ${pairs} pairs, ${failures} failures`);
Deno.exit(failures === 0 ? 0 : 1);
