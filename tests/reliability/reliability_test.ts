/** A few runs that are killed at their commit, and pairs that overlap; `soak.ts` does many. */
import { type Case, Trial } from "./trial.ts";
import { withFolder } from "../support/run.ts";

const ROWS = 2000;

const CASES: readonly Pick<Case, "mode" | "target" | "exists">[] = [
  { mode: "append", target: "sqlite", exists: true },
  { mode: "append", target: "csv", exists: false },
  { mode: "append", target: "folder", exists: true },
  { mode: "incremental", target: "sqlite", exists: true },
  { mode: "incremental", target: "parquet", exists: false },
];

for (const one of CASES) {
  const name = `${one.mode} into ${one.exists ? "an old" : "a new"} ${one.target}`;
  Deno.test(`a run that is killed at its commit loses and doubles nothing: ${name}`, () =>
    withFolder(async (folder) => {
      await using trial = new Trial(folder, { ...one, rows: ROWS, database: undefined });
      await trial.prepare();
      const place = await trial.place("a");
      const ended = await trial.kill(place, "commit", 0);
      const repeated = await trial.resume(place, ended);
      await trial.check(1, ended.code === 0 || repeated.length > 0 ? [place] : []);
    }));
  Deno.test(`two runs at once lose and double nothing: ${name}`, () =>
    withFolder(async (folder) => {
      await using trial = new Trial(folder, { ...one, rows: ROWS, database: undefined });
      await trial.prepare();
      const places = [await trial.place("a"), await trial.place("b")];
      await Promise.all(places.map((place) => trial.repeat(place)));
      await trial.check(one.mode === "append" ? 2 : 1, places);
    }));
}
