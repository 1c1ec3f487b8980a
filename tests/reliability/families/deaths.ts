/** The connection to the source or the target is reset, closed or falls silent after some bytes. */
import { type Break, proxyTo } from "../../support/proxy.ts";
import { type Family, Fault, observe, type Outcome, type Scope } from "../outcome.ts";
import { type Case, describeCase, isPossible, withTrial } from "../trial.ts";

const CASES = [
  { end: "source", kind: "postgres", source: "postgres", target: "csv" },
  { end: "target", kind: "postgres", source: "csv", target: "postgres" },
  { end: "target", kind: "mysql", source: "csv", target: "mysql" },
] as const;
const BREAKS: readonly Break[] = ["reset", "close", "silence"];
const MODES = ["append", "replace"] as const;
const COUNT = 15;
const ROWS = 20_000;

/** Bytes that the side with the rows sends: 20,000 rows, and what comes before them. */
const BYTES = 800_000;
/** Seconds without a byte after which a server counts as silent. */
const SILENCE = 2;
/** Milliseconds within which a run has to end: three attempts, each with its silence. */
const BOUND = 60_000;

export const DEATHS: Family = {
  name: "deaths",
  title: "source or target reset, closed or silent at a random byte",
  run,
};

async function* run(scope: Scope): AsyncIterable<Outcome> {
  for (const [i, { end, kind, source, target }] of CASES.entries()) {
    for (const how of scope.isShort ? [BREAKS[i % BREAKS.length]!] : BREAKS) {
      for (let number = 0; number < (scope.isShort ? 1 : COUNT); number++) {
        const mode = MODES[number % MODES.length]!;
        const settings: Case = { source, target, mode, exists: true, rows: ROWS };
        if (!isPossible(settings, scope.systems)) continue;
        const after = Math.floor(Math.random() * BYTES);
        const name = `${describeCase(settings)}: ${how} of the ${end} after ${after} bytes`;
        const env: Record<string, string> = number % 2 === 0 ? { DXT_RETRIES: "0" } : {};
        yield await observe(DEATHS.name, name, () =>
          withTrial(settings, scope, async (trial) => {
            const port = Number(new URL(scope.systems[kind]!.url).port);
            const sender = end === "source" ? "server" : "client";
            await using proxy = proxyTo(port, how, after, sender);
            const keys = { sslmode: "disable", inactivity_timeout: SILENCE };
            trial.through[kind] = { port: proxy.port, keys };
            const place = await trial.place("a");
            const ended = await trial.runToEnd(place, env);
            if (ended.ms > BOUND) throw new Fault("hung", `the run took ${ended.ms} ms`);
            if (ended.code === 0) {
              await trial.check(1, [place]);
              return "0";
            }
            const view = await trial.checkView();
            const codes = await trial.resume(place, ended);
            await trial.check(1, [place]);
            return `${ended.code}, ${view}, then ${codes.join(" ")}`;
          }));
      }
    }
  }
}
