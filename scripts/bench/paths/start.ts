/** How much CPU dxt takes to start. */
import { dxt, floor, type Path } from "../way.ts";

/** The kernel counts in hundredths of a second. */
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

/** From source, and of the binary when it was compiled. */
export function starts(compiled: boolean): readonly Path[] {
  return ["--version", "list pipeline.yaml"].flatMap((args) => [
    start("dxt", args, ", from source"),
    ...(compiled ? [start('"$BINARY"', args, ", compiled")] : []),
  ]);
}
