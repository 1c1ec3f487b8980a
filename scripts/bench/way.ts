/** Paths and ways as data. Scripts are bash; `world.ts` defines their variables. */
import type { ProgramName } from "./programs.ts";
import type { Totals } from "./tables.ts";

/** A program that moves the data of a path. */
export interface Way {
  readonly name: string;
  /** `peer`: a program of the same kind; `floor`: a program that does less work, for comparison. */
  readonly role: "dxt" | "floor" | "peer";
  readonly needs: readonly ProgramName[];
  /** The timed script. */
  readonly script: string;
  /** A script that runs before, untimed. */
  readonly prepare?: string;
  /** Highest accepted ratio of dxt's time to that of this way. */
  readonly atMost?: number;
  /** A floor that writes to the target, too, not to /dev/null. */
  readonly fills?: boolean;
}

export type Source = "postgres" | "csv" | "jsonl" | "sqlite";
export type Table = "wide" | "narrow";

/** One kind of source and target, with all ways to move the data. */
export interface Path {
  readonly name: string;
  /** Data that the path needs; undefined for paths that move nothing. */
  readonly from?: Source;
  readonly table?: Table;
  /** Prints the number of rows and the sum of `id` in the target. */
  readonly totals?: string;
  /** What `totals` must print when the source table has this many rows; by default all of them. */
  readonly expects?: (rows: number) => Totals;
  /** Programs that `totals` needs. */
  readonly totalsNeed?: readonly ProgramName[];
  /** The figure for ratios. */
  readonly compares: "seconds" | "cpu";
  /** Most memory of dxt, MiB. */
  readonly memory?: number;
  /** Number of repetitions in each script. */
  readonly repeats?: number;
  readonly ways: readonly Way[];
}

type Extra = Pick<Way, "prepare" | "atMost" | "fills">;

export function floor(
  name: string,
  needs: readonly ProgramName[],
  script: string,
  extra: Extra = {},
): Way {
  return { role: "floor", name, needs, script, ...extra };
}

/** A peer; dxt has to be faster. */
export function peer(name: ProgramName, script: string, extra: Extra = {}): Way {
  return { role: "peer", name, needs: [name], script, atMost: 1, fills: true, ...extra };
}

/** dxt with a pipeline of one stream, as one run or as separate phases. */
export function dxt(pipeline: object, phases: readonly string[] = ["run"]): Way {
  const text = JSON.stringify({ version: 1, name: "bench", ...pipeline }, null, 2);
  return {
    role: "dxt",
    name: "dxt",
    needs: [],
    script: phases.map((phase) => `dxt ${phase} pipeline.yaml --quiet`).join("\n"),
    prepare: `cat > pipeline.yaml <<'EOF'\n${text}\nEOF`,
    fills: true,
  };
}

/** dxt without the sandbox, to measure its cost. */
export function unconfined(pipeline: object): Way {
  const script = "dxt run pipeline.yaml --quiet --sandbox=off";
  return { ...dxt(pipeline), role: "floor", name: "dxt --sandbox=off", script, atMost: 1.03 };
}

/** dxt with another level of `verify`, to compare their cost. */
export function verifying(verify: "counts" | "aggregates" | "full", pipeline: object): Way {
  return {
    ...dxt({ ...pipeline, defaults: { load: { verify } } }),
    role: "floor",
    name: `dxt, verify: ${verify}`,
  };
}
