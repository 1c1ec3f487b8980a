/** Which fields which declared types can take. */
import type { MappedType } from "../../../../core/contracts/type_mapper.ts";
import { INTEGER_BOUNDS, isIntegerType } from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";

/** Digits of the widest integer of each type. */
const digitsOf = (dtype: keyof typeof INTEGER_BOUNDS) => String(INTEGER_BOUNDS[dtype][1]).length;

/** Whether every value of a field can be kept under a type; under none every value can. */
export function canStore(field: Field, to: MappedType | undefined): boolean {
  if (to === undefined) return true;
  const { dtype } = field;
  if (to.number === true) {
    return field.number === true || isIntegerType(dtype) || dtype === "decimal";
  }
  if (to.dtype === "decimal") {
    const whole = to.precision! - to.scale!;
    if (isIntegerType(dtype)) return digitsOf(dtype) <= whole;
    const { precision = 38, scale = 0 } = field;
    return dtype === "decimal" && scale <= to.scale! && precision - scale <= whole;
  }
  if (dtype === to.dtype) return true;
  if (isIntegerType(dtype)) {
    const [low, high] = INTEGER_BOUNDS[dtype];
    if (isIntegerType(to.dtype)) {
      const [lowest, highest] = INTEGER_BOUNDS[to.dtype];
      return low >= lowest && high <= highest;
    }
    return to.dtype === "float64" && high <= BigInt(Number.MAX_SAFE_INTEGER);
  }
  if (dtype === "float32") return to.dtype === "float64";
  if (dtype === "array" || dtype === "object") return ["json", "string"].includes(to.dtype);
  return dtype === "json" && to.dtype === "string";
}
