/** The types of files are dxt's own. */
import { typeText } from "../../core/conversion.ts";
import { TypeMappingError } from "../../core/errors.ts";
import type { TypeMapper } from "../../core/type_mapper.ts";
import { DXT_TYPES, type DXTType } from "../../models/dtype.ts";

export const fileTypes: TypeMapper = {
  fromSource(nativeType) {
    const match = /^(\w+)(?:\((\d+),(\d+)\))?$/.exec(nativeType);
    const dtype = match?.[1] as DXTType | undefined;
    if (dtype === undefined || !DXT_TYPES.includes(dtype)) {
      throw new TypeMappingError(`Cannot read type "${nativeType}" of a file: no such type`);
    }
    if (match?.[2] === undefined) return { dtype };
    return { dtype, precision: Number(match[2]), scale: Number(match[3]) };
  },
  toTarget: (field) => field.target_type ?? typeText(field),
};
