/** Verifies a load: source, stage and target must agree. */
import type { StageHeader, StageTotals } from "../core/contracts/buffer.ts";
import { VerificationError } from "../core/errors.ts";
import type { LoadReceipt } from "../core/contracts/loader.ts";

/** Evidence from each side of a load, in the side's own words. */
export interface Receipt {
  /** For example `COPY 347`. */
  readonly source: string;
  /** For example `347 rows in 1 file`. */
  readonly stage: string;
  readonly target: string;
}

/**
 * Verifies a load and returns its receipt. When the stage was committed, it was proven to hold what
 * the source sent; here the target must have loaded what the stage holds.
 *
 * @throws {VerificationError} when the counts differ
 */
export function verifyLoad(
  staged: Pick<StageHeader, "kind"> & StageTotals,
  loaded: LoadReceipt,
): Receipt {
  const unit = staged.kind === "files" ? "files" : "rows";
  if (loaded.rows !== staged.count) {
    throw new VerificationError(
      `Cannot prove the load: the target reports ${loaded.rows} ${unit} (${loaded.evidence}), but ${staged.count} are staged`,
    );
  }
  const files = `${staged.files.length} file${staged.files.length === 1 ? "" : "s"}`;
  return {
    source: staged.evidence,
    stage: unit === "files" ? files : `${staged.count} rows in ${files}`,
    target: loaded.evidence,
  };
}
