/** What the cases of the suite found: a line of JSON for each, and a table for all. */
import type { VerifyLevel } from "../../src/models/stream.ts";

/** How a case ended. */
export type Finding =
  | "ok"
  /** Rows of the source are not in the target. */
  | "lost"
  /** Rows are in the target more often than they should be. */
  | "doubled"
  /** A reader saw neither the old nor the new target. */
  | "mixed"
  /** Values differ, and the run said success. */
  | "changed"
  /** A secret was found in an output. */
  | "leaked"
  /** A run did not end in time. */
  | "hung"
  /** Anything else that should not happen, such as an exit code that nobody expects. */
  | "failed";

export interface Outcome {
  readonly family: string;
  readonly case: string;
  readonly finding: Finding;
  /** What is wrong, or what the case has to say. */
  readonly details?: string;
  readonly ms: number;
  /** Set for a changed value or row: the change, and the levels of `verify` that noticed it. */
  readonly proof?: NoticedFault;
}

/** A fault between a stage and its proof. */
export interface NoticedFault {
  readonly target: string;
  readonly fault: string;
  readonly noticed: readonly VerifyLevel[];
}

/** A kind of fault, with many cases. */
export interface Family {
  readonly name: string;
  /** What the suite shows with it, as the first column of the table. */
  readonly title: string;
  /** Why this machine cannot run it; undefined where it can. */
  whyMissing?(): Promise<string | undefined>;
  /** Yields the outcome of each case. */
  run(scope: Scope): AsyncIterable<Outcome>;
}

/** How much of a family is run. */
export interface Scope {
  readonly systems: import("./systems.ts").Systems;
  /** A tenth or less of the cases. */
  readonly isShort: boolean;
  /** Folder for files of the cases; a folder of a case that is not ok is kept. */
  readonly folder: string;
}

/** Runs a case, and returns its outcome; what it throws is a finding. */
export async function observe(
  family: string,
  name: string,
  work: () => Promise<string | void>,
): Promise<Outcome> {
  const start = performance.now();
  const end = (finding: Finding, details: string | void): Outcome => ({
    family,
    case: name,
    finding,
    ...(details === undefined ? {} : { details }),
    ms: Math.round(performance.now() - start),
  });
  try {
    return end("ok", await work());
  } catch (error) {
    return end(error instanceof Fault ? error.finding : "failed", String(error));
  }
}

/** A case found what must not happen. */
export class Fault extends Error {
  constructor(readonly finding: Exclude<Finding, "ok">, message: string) {
    super(message);
  }
}

const COLUMNS: readonly Finding[] = [
  ...["lost", "doubled", "mixed", "changed", "leaked", "hung", "failed"] as const,
];

/** A Markdown table with a row for each family, in the order of their first outcomes. */
export function formatTable(
  families: readonly Pick<Family, "name" | "title">[],
  outcomes: readonly Outcome[],
): string {
  const rows = families.flatMap(({ name, title }) => {
    const own = outcomes.filter(({ family }) => family === name);
    const count = (finding: Finding) =>
      String(own.filter((outcome) => outcome.finding === finding).length);
    return own.length === 0 ? [] : [[title, String(own.length), ...COLUMNS.map(count)]];
  });
  return formatRows(["Fault", "cases", ...COLUMNS], rows);
}

const LEVELS: readonly VerifyLevel[] = ["counts", "aggregates", "full"];

/** Returns a Markdown table of changed values, with the share that each level of `verify` noticed; empty without any. */
export function formatLevels(outcomes: readonly Outcome[]): string {
  const faults = outcomes.flatMap(({ proof }) => proof ?? []);
  const rows = Object.values(Object.groupBy(faults, ({ fault, target }) => `${fault} ${target}`))
    .map((some) => {
      const { fault, target } = some![0]!;
      const count = (level: VerifyLevel) =>
        some!.filter(({ noticed }) => noticed.includes(level)).length;
      return [fault, target, ...LEVELS.map((level) => `${count(level)} of ${some!.length}`)];
    });
  return rows.length === 0 ? "" : formatRows(["Fault", "target", ...LEVELS], rows, 2);
}

/** @param words number of leading columns with text; the others have numbers */
function formatRows(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  words = 1,
): string {
  const line = head.map((_, i) => i < words ? "---" : "--:");
  return [head, line, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
