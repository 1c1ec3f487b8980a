/** The limit of rejected rows, which counts those of all steps of a stream. */
import { RejectedRowsError } from "../../core/errors.ts";
import type { MaxErrors } from "../../models/stream.ts";

/**
 * Checks the number of rejected rows of a stream against its limit.
 *
 * @param read rows read; undefined while more are read, when a percentage cannot be checked
 * @throws {RejectedRowsError} when they are more than the pipeline allows
 */
export function refuseExcess(
  rejected: number,
  limit: MaxErrors,
  read: number | undefined,
): void {
  const isNumber = typeof limit === "number";
  if (!isNumber && read === undefined) return;
  if (isNumber ? rejected <= limit : rejected * 100 <= parseFloat(limit) * read!) return;
  throw new RejectedRowsError(
    `more rows were rejected than the pipeline allows: ${rejected}, expected at most ${
      isNumber ? limit : `${limit} of ${read}`
    } (max_errors); nothing was loaded`,
  );
}
