/** What the cases of the suite found: a line of JSON for each, and a table for all. */

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
}

/** A kind of fault, with many cases. */
export interface Family {
  readonly name: string;
  /** What the suite shows with it, as the first column of the table. */
  readonly title: string;
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

const COLUMNS: readonly Finding[] = ["lost", "doubled", "mixed", "changed", "hung", "failed"];

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
  const lines = [["Fault", "cases", ...COLUMNS], [
    "---",
    ...["cases", ...COLUMNS].map(() => "--:"),
  ]];
  return [...lines, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
