// deno-lint-ignore-file no-console
/**
 * Kills and overlapping pairs at random, in numbers: `deno run -A tests/reliability/soak.ts 200 100`.
 * `DXT_RELIABILITY_POSTGRES` is the URL of an empty PostgreSQL database; without it there are no
 * cases of PostgreSQL. Tells each case, and ends with 1 when one failed.
 */
import postgres from "postgres";
import { type Case, type Database, isPossible, MODES, TARGETS, Trial } from "./trial.ts";

const [kills = 200, pairs = 100, rows = 40_000] = Deno.args.map(Number);
const url = Deno.env.get("DXT_RELIABILITY_POSTGRES");
const client = url === undefined ? undefined : postgres(url, { max: 1, onnotice: () => {} });
const database: Database | undefined = client && {
  url: url!,
  rows: async (sql) =>
    (await client.unsafe(sql)).map((row) => Object.values(row).map((value) => String(value ?? ""))),
};

const CASES = MODES.flatMap((mode) => TARGETS.map((target) => ({ mode, target })))
  .filter((one) => isPossible(one) && (one.target !== "postgres" || database !== undefined));

/** Milliseconds from the stage's beginning to a little after the end of a run, and after a commit. */
const [LONGEST, AFTER_COMMIT] = [900, 160];

let failures = 0;
const codes = new Map<string, number>();

async function attempt(
  title: string,
  settings: Case,
  work: (trial: Trial) => Promise<number[]>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "dxt-soak-" });
  await using trial = new Trial(folder, settings);
  const name = `${title} ${settings.mode} ${settings.target} ${settings.exists ? "old" : "new"}`;
  try {
    await trial.prepare();
    const ended = await work(trial);
    for (const code of ended) {
      codes.set(`${title} ${code}`, (codes.get(`${title} ${code}`) ?? 0) + 1);
    }
    console.log(`ok ${name}: ${ended.join(" ")}`);
    for (const error of trial.errors) console.log(`  said: ${error}`);
    await Deno.remove(folder, { recursive: true });
  } catch (error) {
    failures++;
    console.log(`FAILED ${name} in ${folder}: ${error instanceof Error ? error.message : error}`);
    for (const said of trial.errors) console.log(`  said: ${said}`);
  }
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

for (let number = 0; number < kills; number++) {
  const settings = settingsOf(number);
  await attempt("kill", settings, async (trial) => {
    const place = await trial.place("a");
    // Only appends tell when they commit.
    const appends = settings.mode === "append" || settings.mode === "incremental";
    const atCommit = appends && Math.random() < 0.5;
    const first = atCommit
      ? await trial.kill(place, "commit", Math.random() * AFTER_COMMIT)
      : await trial.kill(place, "stage", Math.random() * LONGEST);
    const ended = first === 0 ? [0] : [first, ...await trial.repeat(place)];
    await trial.check(1, [place]);
    return ended;
  });
}

for (let number = 0; number < pairs; number++) {
  const settings = settingsOf(number);
  await attempt("pair", settings, async (trial) => {
    const places = [await trial.place("a"), await trial.place(number % 2 === 0 ? "a" : "b")];
    const ended = await Promise.all(places.map(async (place, at) => {
      await new Promise((resolve) => setTimeout(resolve, at * Math.random() * LONGEST));
      return await trial.repeat(place);
    }));
    await trial.check(settings.mode === "append" ? 2 : 1, places);
    return ended.flat();
  });
}

await client?.end();
console.log([...codes].sort().map(([code, count]) => `${code}: ${count}`).join(", "));
console.log(`${kills} kills, ${pairs} pairs, ${failures} failures`);
Deno.exit(failures === 0 ? 0 : 1);
