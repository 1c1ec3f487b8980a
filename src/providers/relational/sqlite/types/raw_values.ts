/** Values as SQLite gives them. */
import type { Column } from "../../../../arrow/mod.ts";
import type { Field } from "../../../../models/field.ts";
import { driverPusher, type DriverRules } from "../../values/driver_values.ts";

/** A value of one of SQLite's storage classes: null, integer, real, text, blob. */
export type Raw = null | bigint | number | string | Uint8Array;

/** Text that stands for a double that a REAL column would change: SQLite makes NaN NULL, -0 0. */
export const NOT_A_NUMBER = "NaN";
export const NEGATIVE_ZERO = "-0.0f";

const RULES: DriverRules = {
  product: "SQLite",
  kinds: { bigint: "integer", number: "real", string: "text", object: "blob" },
  bigIntegers: true,
  doubles: new Map([[NOT_A_NUMBER, NaN], [NEGATIVE_ZERO, -0]]),
};

/** As {@linkcode driverPusher}. */
export function rawPusher(field: Field, column: Column): (value: Raw) => void {
  return driverPusher(field, column, RULES);
}
