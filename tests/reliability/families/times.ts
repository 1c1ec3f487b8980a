/**
 * Runs are killed at random times from their stage to their end, and run again; some of those runs are
 * killed, too.
 */
import { type Family, observe, type Outcome, type Scope } from "../outcome.ts";
import { type Case, describeCase, type Ended, listCases, type Trial, withTrial } from "../trial.ts";

const COUNTS = { kills: 300, recoveries: 100 };
const SHORT_COUNTS = { kills: 4, recoveries: 2 };
const ROWS = 8000;
/** Spreads few cases over modes and targets. */
const STRIDE = 5;

/** Milliseconds after a commit, and before the end of a run, that get kills of their own. */
const LAST = 160;

export const TIMES: Family = {
  name: "times",
  title: "killed at a random time, also while recovering, then run again",
  run,
};

async function* run(scope: Scope): AsyncIterable<Outcome> {
  const { kills, recoveries } = scope.isShort ? SHORT_COUNTS : COUNTS;
  const cases = listCases(scope.systems);
  const clock = new Clock();
  for (let number = 0; number < kills + recoveries; number++) {
    const exists = Math.random() < 0.5;
    const settings: Case = { ...cases[number * STRIDE % cases.length]!, exists, rows: ROWS };
    const isRecovery = number >= kills;
    const name = `${describeCase(settings)}: ${isRecovery ? "recovery" : "kill"} ${number}`;
    yield await observe(
      TIMES.name,
      name,
      () => withTrial(settings, scope, (trial) => kill(trial, clock, isRecovery)),
    );
  }
}

/** Milliseconds from the stage to the end of a run: of the last ones that ended by themselves. */
class Clock {
  readonly #lasted = [600];

  get length(): number {
    return this.#lasted.reduce((sum, ms) => sum + ms, 0) / this.#lasted.length;
  }

  note(ms: number): void {
    this.#lasted.push(ms);
    if (this.#lasted.length > 8) this.#lasted.shift();
  }
}

async function kill(trial: Trial, clock: Clock, isRecovery: boolean): Promise<string> {
  const place = await trial.place("a");
  const ends = [await killSomewhere(trial, place, clock)];
  if (isRecovery && isRepeated(ends[0]!)) ends.push(await killSomewhere(trial, place, clock));
  const last = ends.at(-1)!;
  const codes = await trial.resume(place, last);
  // A lock that a killed run left locks nobody out, and goes with the next run.
  await trial.check(1, last.code === 0 || codes.length > 0 ? [place] : []);
  return `${ends.map(describeEnd).join(", then ")}${
    codes.length > 0 ? `, then ${codes.join(" ")}` : ""
  }`;
}

const isRepeated = ({ isTold, isPending }: Ended) => !isTold || isPending;

function describeEnd({ code, isTold, isPending, left }: Ended): string {
  if (code === 0) return "ended before the kill";
  const parts = [
    ...(isTold ? ["had told success"] : []),
    ...(isPending ? ["record left"] : []),
    ...(left.includes("s") ? ["stage left"] : []),
  ];
  return `${code} (${parts.length === 0 ? "nothing left" : parts.join("; ")})`;
}

/** A third of the kills hit anywhere from the stage to the end, the others its commit and its end. */
async function killSomewhere(trial: Trial, place: string, clock: Clock): Promise<Ended> {
  const { mode } = trial.settings;
  // Only appends tell when they commit.
  const appends = mode === "append" || mode === "incremental";
  const where = Math.floor(Math.random() * 3);
  const ended = where === 1 && appends
    ? await trial.kill(place, "commit", Math.random() * LAST)
    : await trial.kill(
      place,
      "stage",
      where === 0
        ? Math.random() * clock.length
        : clock.length - LAST * (1.2 * Math.random() - 0.2),
    );
  if (ended.code === 0 && where !== 1) clock.note(ended.ms);
  return ended;
}
