/** A reference run is killed at each of its calls that outlive it, and run again. */
import { Calls, whyNotCounted } from "../calls.ts";
import { type Family, observe, type Outcome, type Scope } from "../outcome.ts";
import { type Case, describeCase, isPossible, withTrial } from "../trial.ts";

const PATHS: readonly Pick<Case, "source" | "target">[] = [
  { source: "postgres", target: "postgres" },
  { source: "postgres", target: "sqlite" },
  { source: "postgres", target: "mysql" },
  { source: "csv", target: "postgres" },
  { source: "postgres", target: "parquet" },
  { source: "postgres", target: "folder" },
];
const MODES: readonly Pick<Case, "mode" | "exists">[] = [
  { mode: "append", exists: false },
  { mode: "append", exists: true },
  { mode: "replace", exists: true },
];
const ROWS = 2000;

/** Where a short suite kills, as parts of all calls: while it stages, and while it commits. */
const SHORT_PLACES = [0.5, 0.9];

export const CALLS: Family = {
  name: "calls",
  title: "killed at each write, sync, rename and send, then run again",
  whyMissing: whyNotCounted,
  run,
};

async function* run(scope: Scope): AsyncIterable<Outcome> {
  const calls = await Calls.compile(scope.folder);
  for (const path of PATHS) {
    for (const mode of scope.isShort ? MODES.slice(1, 2) : MODES) {
      const settings: Case = { ...path, ...mode, rows: ROWS };
      if (!isPossible(settings, scope.systems)) continue;
      const total = await countCalls(settings, calls, scope);
      const places = scope.isShort
        ? SHORT_PLACES.map((part) => Math.round(part * total))
        : Array.from({ length: total }, (_, i) => i + 1);
      for (const at of places) {
        const name = `${describeCase(settings)}: call ${at} of ${total}`;
        yield await observe(CALLS.name, name, () => killAt(at, settings, calls, scope));
      }
    }
  }
}

function countCalls(settings: Case, calls: Calls, scope: Scope): Promise<number> {
  return withTrial(settings, scope, async (trial) => {
    const place = await trial.place("a");
    const count = await calls.count(trial.folder, (env) => trial.run(place, env));
    await trial.check(1, [place]);
    return count;
  });
}

function killAt(at: number, settings: Case, calls: Calls, scope: Scope): Promise<string> {
  return withTrial(settings, scope, async (trial) => {
    const place = await trial.place("a");
    let ended = { code: 0, isTold: false, isPending: false };
    await calls.count(trial.folder, async (env) => ended = await trial.runToEnd(place, env), at);
    const view = await trial.checkView();
    const codes = await trial.resume(place, ended);
    await trial.check(1, ended.code === 0 || codes.length > 0 ? [place] : []);
    return `${ended.code}, ${view}${codes.length > 0 ? `, then ${codes.join(" ")}` : ""}`;
  });
}
