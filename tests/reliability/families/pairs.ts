/** Two runs of one pipeline overlap, in one folder and in two. */
import { setTimeout as delay } from "node:timers/promises";
import { type Family, observe, type Outcome, type Scope } from "../outcome.ts";
import { type Case, describeCase, listCases, type Trial, withTrial } from "../trial.ts";

const COUNT = 100;
const SHORT_COUNT = 4;
const ROWS = 8000;
/** Spreads few cases over modes and targets. */
const STRIDE = 5;
/** Milliseconds after the first run within which the second one begins. */
const APART = 900;

export const PAIRS: Family = {
  name: "pairs",
  title: "two runs of one pipeline at once, in one folder or two",
  run,
};

async function* run(scope: Scope): AsyncIterable<Outcome> {
  const cases = listCases(scope.systems);
  for (let number = 0; number < (scope.isShort ? SHORT_COUNT : COUNT); number++) {
    const exists = Math.random() < 0.5;
    const settings: Case = { ...cases[number * STRIDE % cases.length]!, exists, rows: ROWS };
    const isOneFolder = (number + Math.floor(number / cases.length)) % 2 === 0;
    const name = `${describeCase(settings)}: ${
      isOneFolder ? "one folder" : "two folders"
    }, ${number}`;
    yield await observe(
      PAIRS.name,
      name,
      () => withTrial(settings, scope, (trial) => overlap(trial, isOneFolder)),
    );
  }
}

async function overlap(trial: Trial, isOneFolder: boolean): Promise<string> {
  const places = [await trial.place("a"), await trial.place(isOneFolder ? "a" : "b")];
  const codes = await Promise.all(places.map(async (place, at) => {
    await delay(at * Math.random() * APART);
    return await trial.repeat(place);
  }));
  await trial.check(trial.settings.mode === "append" ? 2 : 1, places);
  return codes.map((ends) => ends.join(" ")).join("; ");
}
