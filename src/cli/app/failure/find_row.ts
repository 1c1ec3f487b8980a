/** The place of the row that a stream failed at, as its error names it. */
import type { StreamResult } from "../../../models/result.ts";
import type { KeptStage } from "../../../runner/mod.ts";

/** All counts begin at 1. */
export interface RowPlace {
  readonly field?: string;
  /** Row of the stream. */
  readonly row?: number;
  /** Line of a text file. */
  readonly line?: number;
  /** Staged file with the row, and its row in that file. */
  readonly staged?: { readonly file: string; readonly row: number };
}

/** Undefined where the error names none. */
export function findRowPlace(
  { error, stream }: StreamResult,
  stages: readonly KeptStage[],
): RowPlace | undefined {
  if (error === undefined) return undefined;
  const find = (pattern: RegExp) => pattern.exec(error.message)?.[1];
  const [row, line] = [/\brow ([\d,]+)/, /\bline (\d+)/].map((pattern) => {
    const found = find(pattern);
    return found === undefined ? undefined : Number(found.replaceAll(",", ""));
  });
  const field = find(/\bfield "([^"]*)"/) ?? find(/\bcolumn "([^"]*)"/);
  if (row === undefined && line === undefined && field === undefined) return undefined;
  const stage = stages.find((one) => one.stream === stream);
  const staged = row === undefined ? undefined : findStaged(row, stage);
  return {
    ...(field === undefined ? {} : { field }),
    ...(row === undefined ? {} : { row }),
    ...(line === undefined ? {} : { line }),
    ...(staged === undefined ? {} : { staged }),
  };
}

function findStaged(row: number, stage: KeptStage | undefined): RowPlace["staged"] {
  let before = 0;
  for (const { name, rows } of stage?.manifest?.files ?? []) {
    if (row <= before + rows) return { file: name, row: row - before };
    before += rows;
  }
  return undefined;
}
