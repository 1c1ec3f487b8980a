/** Source, stage and target, each in its own words, held against each other. */
import type { StagedData } from "../core/contracts/buffer.ts";
import { VerificationError } from "../core/errors.ts";
import type { LoadReceipt } from "../core/contracts/loader.ts";

export interface Receipt {
  /** For example `COPY 347`. */
  readonly source: string;
  /** For example `347 rows in 1 file`. */
  readonly stage: string;
  readonly target: string;
}

/**
 * The receipt of a load. That the stage holds what the source sent was proved when the stage was
 * committed; here the target must have taken what the stage holds.
 *
 * @throws {VerificationError} when it says otherwise
 */
export function receiptOf(staged: StagedData, loaded: LoadReceipt): Receipt {
  const unit = staged.kind === "files" ? "files" : "rows";
  if (loaded.rows !== staged.count) {
    throw new VerificationError(
      `Cannot prove the load: the target took ${loaded.rows} ${unit} (${loaded.evidence}), staged are ${staged.count}`,
    );
  }
  const files = `${staged.files.length} file${staged.files.length === 1 ? "" : "s"}`;
  return {
    source: staged.evidence,
    stage: unit === "files" ? files : `${staged.count} rows in ${files}`,
    target: loaded.evidence,
  };
}
