import { typeText } from "../values/conversion.ts";
import { TypeMappingError } from "../errors.ts";
import type { TypeMapper } from "./type_mapper.ts";
import { DXT_TYPES, type DXTType } from "../../models/dtype.ts";

/** For a system whose types are dxt's own, such as files. */
export const plainTypes: TypeMapper = {
  fromSource(nativeType) {
    const match = /^(\w+)(?:\((\d+),(\d+)\))?$/.exec(nativeType);
    const dtype = match?.[1] as DXTType | undefined;
    if (dtype === undefined || !DXT_TYPES.includes(dtype)) {
      throw new TypeMappingError(`Cannot read type "${nativeType}": no such type`);
    }
    if (match?.[2] === undefined) return { dtype };
    return { dtype, precision: Number(match[2]), scale: Number(match[3]) };
  },
  toTarget: (field) => field.target_type ?? typeText(field),
};
