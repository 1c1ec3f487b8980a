/** What the bench runs, as data. Scripts are bash, see `world.ts` for what they may name. */
import type { ProgramName } from "./programs.ts";

/** How to go along a path. */
export interface Way {
  readonly name: string;
  /** `peer`: another program of the same kind; `floor`: less work, as a measure. */
  readonly role: "dxt" | "floor" | "peer";
  readonly needs: readonly ProgramName[];
  /** What is timed. */
  readonly script: string;
  /** Run before it, untimed. */
  readonly prepare?: string;
  /** dxt's part of this way's time that is wanted, at most. */
  readonly atMost?: number;
  /** A floor that ends in the target too, and not in /dev/null. */
  readonly fills?: boolean;
}

export type Source = "postgres" | "csv" | "jsonl" | "sqlite";
export type Table = "wide" | "narrow";

/** From one kind of source to one kind of target, by dxt and by others. */
export interface Path {
  readonly name: string;
  /** What has to be made before; unset for paths that move nothing. */
  readonly from?: Source;
  readonly table?: Table;
  /** Prints the number of rows and the sum of `id` in the target. */
  readonly totals?: string;
  /** Programs that `totals` needs. */
  readonly totalsNeed?: readonly ProgramName[];
  /** Figure that ratios are made of. */
  readonly compares: "seconds" | "cpu";
  /** Most memory of dxt, MiB. */
  readonly memory?: number;
  /** Times that each script repeats what it does. */
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

/** Another program: dxt has to be faster. */
export function peer(name: ProgramName, script: string, extra: Extra = {}): Way {
  return { role: "peer", name, needs: [name], script, atMost: 1, fills: true, ...extra };
}

/** dxt with a pipeline of one stream, in one run or in phases. */
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

/** The same with threads that may do all: what it costs to hold them to what they need. */
export function unconfined(pipeline: object): Way {
  const script = "dxt run pipeline.yaml --quiet --sandbox=off";
  return { ...dxt(pipeline), role: "floor", name: "dxt --sandbox=off", script, atMost: 1.03 };
}
