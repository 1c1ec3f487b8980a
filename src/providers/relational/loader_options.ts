/** Declarations that loaders of relational systems share: their modes, and the option `replace`. */
import { z } from "zod";
import type { PlannedLoad } from "../../core/contracts/loader.ts";
import type { LoaderClass } from "../../core/contracts/provider.ts";
import { LoaderError } from "../../core/errors.ts";
import { displayTable, tableName } from "./names.ts";

/** Loads of tables, each in one transaction. */
export const TABLE_LOADS = {
  modes: {
    append: "transactional",
    replace: "transactional",
    upsert: "transactional",
    scd2: "transactional",
  },
  accepts: ["records"],
  overlaps: true,
  ownRows: ["condition", "values"],
  aggregates: true,
  replacesWhere: true,
  deletesMissing: true,
} as const satisfies Partial<LoaderClass>;

/** How a load in mode replace empties the table. */
export interface ReplaceOption {
  readonly replace: "delete" | "swap";
}

/** The option of a loader that can swap tables; the two texts complete its description. */
export function replaceOption(deleting: string, swapping: string) {
  return z.strictObject({
    replace: z.enum(["delete", "swap"]).default("delete").describe(
      `delete: rows are deleted and ${deleting}; swap: a new table takes the place of the old one${swapping} (default: delete)`,
    ),
  });
}

/** @throws {LoaderError} for a load that rejects rows and swaps tables */
export function refuseRejects(load: PlannedLoad, options: ReplaceOption): void {
  if (load.rejects !== true || !isSwap(load, options)) return;
  throw new LoaderError(
    `Cannot reject rows of a load with "replace: swap": expected "replace: delete" in the loader's config, or on_load_error "retry"`,
  );
}

/**
 * Whether a load replaces the table itself by a new one.
 *
 * @throws {LoaderError} if it replaces only the rows that match its condition
 */
export function isSwap(
  { mode, where, target }: Pick<PlannedLoad, "mode" | "where" | "target">,
  { replace }: ReplaceOption,
): boolean {
  if (mode !== "replace" || replace !== "swap") return false;
  if (where === undefined) return true;
  throw new LoaderError(
    `Cannot replace rows of ${
      displayTable(tableName(target))
    }: "replace: swap" replaces the whole table, and load.where is set; expected "replace: delete" in the loader's config`,
  );
}
