/** Measures the CPU time that dxt needs to start. */
import { dxt, floor, type Path } from "../way.ts";

/** Repetitions per script, since the kernel counts in hundredths of a second. */
const REPEATS = 20;

const repeated = (command: string) => `for _ in $(seq "$REPEATS"); do ${command} > /dev/null; done`;

const { prepare } = dxt({
  source: { provider: "local", path: "." },
  target: { provider: "sqlite", path: "start.db" },
  streams: [{ id: "wide", source: "wide.csv", target: "wide" }],
});

function start(program: string, args: string, what: string): Path {
  return {
    name: `dxt ${args.split(" ")[0]}${what}`,
    compares: "cpu",
    repeats: REPEATS,
    ways: [
      {
        name: "dxt",
        role: "dxt",
        needs: [],
        script: repeated(`${program} ${args}`),
        prepare: prepare!,
      },
      floor("deno eval 0", [], repeated('"$DENO" eval 0'), { atMost: 2 }),
    ],
  };
}

/** A run that mostly starts workers: one for each of two files, and one for SQLite. */
function small(): Path {
  const streams = ["a", "b"].map((id) => ({ id, source: `${id}.csv`, target: id }));
  const { prepare } = dxt({
    source: { provider: "local", path: "." },
    target: { provider: "sqlite", path: "small.db" },
    streams: streams.map((stream) => ({ ...stream, load: { mode: "replace" } })),
  });
  const files = "printf 'id,name\\n1,one\\n2,two\\n' | tee a.csv > b.csv";
  const run = (option: string) => `dxt run pipeline.yaml --quiet ${option} > /dev/null`;
  return {
    name: "dxt run, two files of two rows, CSV → SQLite, from source",
    compares: "seconds",
    ways: [
      { name: "dxt", role: "dxt", needs: [], script: run(""), prepare: `${files}\n${prepare}` },
      floor("dxt --sandbox=off", [], run("--sandbox=off"), { prepare: `${files}\n${prepare}` }),
      floor("deno eval 0", [], '"$DENO" eval 0'),
    ],
  };
}

/** Paths for dxt from source, and for the binary if it was compiled. */
export function starts(compiled: boolean): readonly Path[] {
  const commands = ["--version", "list pipeline.yaml"].flatMap((args) => [
    start("dxt", args, ", from source"),
    ...(compiled ? [start('"$BINARY"', args, ", compiled")] : []),
  ]);
  return [...commands, small()];
}
