/** A reader polls a target while runs replace it, again and again: each read is all old or all new. */
import { type Family, Fault, observe, type Outcome, type Scope } from "../outcome.ts";
import {
  type Case,
  describeCase,
  isPossible,
  type TargetKind,
  type Trial,
  withTrial,
} from "../trial.ts";

const TARGETS: readonly TargetKind[] = ["postgres", "mysql", "sqlite", "csv", "folder"];
const ROWS = 500;
/** Reads of each target; a hundred thousand of all. */
const READS = 20_000;
const SHORT_READS = 300;
/** Versions that a reader sees at least. */
const LEAST_SEEN = 3;

export const READERS: Family = {
  name: "readers",
  title: "targets read while they are replaced",
  run,
};

async function* run(scope: Scope): AsyncIterable<Outcome> {
  for (const target of TARGETS) {
    const settings: Case = { source: "csv", target, mode: "replace", exists: true, rows: ROWS };
    if (!isPossible(settings, scope.systems)) continue;
    const reads = scope.isShort ? SHORT_READS : READS;
    yield await observe(
      READERS.name,
      `${describeCase(settings)}: ${reads} reads`,
      () => withTrial(settings, scope, (trial) => poll(trial, reads)),
    );
  }
}

/** Replaces the target by rows that all have the number of the run, until enough reads were made. */
async function poll(trial: Trial, reads: number): Promise<string> {
  const place = await trial.place("a");
  await trial.replaceSource("v0");
  await trial.repeat(place);
  const seen = new Set<string>();
  let isDone = false;
  let runs = 0;
  const replacing = (async () => {
    while (!isDone) {
      await trial.replaceSource(`v${++runs}`);
      const code = await trial.run(place);
      if (code !== 0) throw new Fault("failed", `run ${runs} ended with ${code}`);
    }
  })();
  const reading = (async () => {
    try {
      for (let read = 0; read < reads || seen.size < LEAST_SEEN; read++) {
        const values = await trial.readValues();
        if (values === undefined) continue;
        const [value] = values;
        if (values.length !== ROWS || values.some((other) => other !== value)) {
          throw new Fault(
            "mixed",
            `read ${read} has ${values.length} rows of ${new Set(values).size} runs`,
          );
        }
        seen.add(value!);
        if (read % 20 === 0) await new Promise((resolve) => setTimeout(resolve));
      }
    } finally {
      isDone = true;
    }
  })();
  await Promise.all([replacing, reading]);
  return `${runs} runs, ${seen.size} of them seen`;
}
