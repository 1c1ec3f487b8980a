/** Verifies a load: source, stage and target must agree. */
import { countUnstaged, type StageHeader, type StageTotals } from "../core/contracts/buffer.ts";
import { VerificationError } from "../core/errors.ts";
import type { RunResult } from "../models/result.ts";
import type { LoadReceipt, VerifiedLoad } from "../core/contracts/loader.ts";

/** What one system reports: its count of rows, or of whole files, and its own words. */
export interface Evidence {
  readonly rows: number;
  /** For example `COPY 347`. */
  readonly evidence: string;
}

/** Evidence from each side of a load. The source has as many rows as were loaded and rejected. */
export interface Receipt {
  readonly source: Evidence;
  readonly stage: { readonly rows: number; readonly files: number; readonly bytes: number };
  readonly target: Evidence;
  /** What was compared besides the counts; unset where the target compares nothing else. */
  readonly verified?: VerifiedLoad | undefined;
  /** Rows that were rejected; unset if there are none. */
  readonly rejected?: RejectedEvidence | undefined;
}

/** Rows that were rejected, by the kinds of their reasons, and the file that has them. */
export interface RejectedEvidence {
  readonly rows: number;
  /** Those of them that were rejected before they were staged; unset if there are none. */
  readonly unstaged?: number | undefined;
  readonly reasons: Readonly<Record<string, number>>;
  readonly dead_letters: string;
}

/** The receipt of a loader, with the letters that the main thread has written. */
export type HostReceipt = LoadReceipt & { readonly letters?: RejectedEvidence | undefined };

/**
 * Verifies a load and returns its receipt. When the stage was committed, it was proven to hold what
 * the source sent; here the target must have loaded what the stage holds.
 *
 * @throws {VerificationError} when the counts differ
 */
export function verifyLoad(
  staged: Pick<StageHeader, "kind"> & StageTotals,
  loaded: HostReceipt,
): Receipt {
  const unit = staged.kind === "files" ? "files" : "rows";
  const { rejected = 0, letters } = loaded;
  const unstaged = countUnstaged(staged);
  if (rejected + unstaged !== (letters?.rows ?? 0) || unstaged !== (letters?.unstaged ?? 0)) {
    throw new VerificationError(
      `Cannot prove the load: ${unstaged} ${unit} were rejected before they were staged and ${rejected} by the target, but ${
        letters?.rows ?? 0
      } are dead letters`,
    );
  }
  if (loaded.rows + rejected !== staged.count) {
    throw new VerificationError(
      `Cannot prove the load: the target reports ${loaded.rows} ${unit} (${loaded.evidence})${
        rejected === 0 ? "" : ` and refused ${rejected}`
      }, but ${staged.count} are staged`,
    );
  }
  const { count: rows, files, evidence } = staged;
  return {
    source: { rows: rows + unstaged, evidence },
    stage: { rows, files: files.length, bytes: files.reduce((sum, { size }) => sum + size, 0) },
    target: { rows: loaded.rows, evidence: loaded.evidence },
    ...(loaded.verified === undefined ? {} : { verified: loaded.verified }),
    ...(letters === undefined ? {} : { rejected: letters }),
  };
}

/** Returns what contradicts the proofs of a run's result: counts that differ; undefined if nothing does. */
export function findContradiction({ streams }: RunResult): string | undefined {
  for (const { stream, proof } of streams) {
    if (proof === undefined) continue;
    const { source, stage, target, rejected } = proof;
    const { rows = 0, unstaged = 0 } = rejected ?? {};
    const isProven = source.rows === stage.rows + unstaged &&
      stage.rows === target.rows + rows - unstaged;
    if (isProven) continue;
    const refused = rejected === undefined ? "" : `, ${rejected.rows} rejected`;
    return `stream "${stream}" has ${source.rows} rows in the source, ${stage.rows} in the stage, ${target.rows} in the target${refused}`;
  }
  return undefined;
}
