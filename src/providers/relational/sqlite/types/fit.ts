/** Which fields which declared types can take. */
import type { MappedType } from "../../../../core/contracts/type_mapper.ts";
import { holdsAll } from "../../../../core/values/conversion.ts";
import { isIntegerType } from "../../../../core/values/values.ts";
import type { DXTType } from "../../../../models/dtype.ts";
import type { Field } from "../../../../models/field.ts";

/** Other types that keep all values of a type unchanged. */
const KEPT_AS: Readonly<Partial<Record<DXTType, readonly DXTType[]>>> = {
  float32: ["float64"],
  json: ["string"],
  array: ["json", "string"],
  object: ["json", "string"],
};

/** Whether every value of a field can be kept under a type; under none every value can. */
export function canStore(field: Field, to: MappedType | undefined): boolean {
  if (to === undefined) return true;
  const { dtype } = field;
  const isInteger = isIntegerType(dtype);
  if (to.number === true) return field.number === true || isInteger || dtype === "decimal";
  if (to.dtype === "decimal") return (isInteger || dtype === "decimal") && holdsAll(field, to);
  if (isInteger) {
    return (isIntegerType(to.dtype) || to.dtype === "float64") && holdsAll(field, to);
  }
  return dtype === to.dtype || KEPT_AS[dtype]?.includes(to.dtype) === true;
}
