/** What becomes of a field's values in a column, as `bind_value.ts` binds them. */
import {
  type Conversion,
  convert,
  EXACT,
  lossy,
  typeText,
  WIDENED,
} from "../../../../core/values/conversion.ts";
import { isUnbounded } from "../../../../core/contracts/type_mapper.ts";
import { isIntegerType } from "../../../../core/values/values.ts";
import { isText } from "../../../../core/values/kinds.ts";
import type { Field } from "../../../../models/field.ts";
import { declareHint } from "../../../../formats/inference/number_columns.ts";
import { canStore } from "./fit.ts";
import {
  type Affinity,
  ANY_NUMBER,
  declaredType,
  findAffinity,
  sourceType,
} from "./type_mapper.ts";
import { DOUBLE_DIGITS } from "../../type_name.ts";

/** How the column of a new table stores a field's values. */
export function conversionInNew(field: Field, declared: string): Conversion {
  if (!isUnbounded(field) || declared !== ANY_NUMBER) {
    const conversion = findConversion(field, declared);
    const note = describeTextOrder(field, declared);
    return note === undefined ? conversion : { ...conversion, note };
  }
  const note =
    `numbers, or text, which sorts as text, where one is no int64 and has more than ${DOUBLE_DIGITS} digits; ${
      declareHint(field)
    }`;
  return { ...WIDENED, note };
}

/**
 * Describes a number that dxt stores as text in a new table: no digit is lost, but SQLite sorts and
 * compares it as text. Undefined for other fields, and for a type that the pipeline declares.
 */
export function describeTextOrder(field: Field, declared: string): string | undefined {
  const { name, dtype, target_type, source_type } = field;
  if (dtype !== "decimal" && dtype !== "uint64") return undefined;
  if (target_type !== undefined || source_type === sourceType(declared)) return undefined;
  if (findAffinity(declared) !== "text") return undefined;
  const hint = dtype === "uint64" ? "dtype: int64" : "dtype: decimal, precision: 15, scale: …";
  return `text, which sorts as text, as ${typeText(field)} holds more than SQLite's numbers; ` +
    `declare "fields: [{ id: ${name}, ${hint} }]" where smaller ones suffice`;
}

/** How an existing column stores a field's values. */
export function findConversion(field: Field, declared: string): Conversion {
  if (field.number === true) return numberConversion(field, declared);
  const conversion = between(field, declared);
  const fit = canStore(field, declaredType(declared));
  if (conversion.kind === "lossy") return fit ? { ...conversion, limit: true } : conversion;
  return fit ? conversion : { kind: "lossy", note: "refused as the column is of another kind" };
}

/**
 * A number without bounds in a column. A column of numbers is of the right type: what it does not
 * keep is refused when it comes.
 */
function numberConversion(field: Field, declared: string): Conversion {
  const affinity = findAffinity(declared);
  const to = declaredType(declared);
  if (affinity === "text" && to?.dtype === "string") {
    return { ...WIDENED, note: `text, which sorts as text; ${declareHint(field)}` };
  }
  if (to?.dtype === "decimal") {
    return { ...lossy(`a value is no ${typeText({ ...to })}`), limit: true };
  }
  const digits = lossy(`a value is no int64 and has more than ${DOUBLE_DIGITS} digits`);
  if (affinity === "numeric") return { ...digits, limit: true };
  return to === undefined || affinity === "real" ? digits : lossy(`a value is no ${to.dtype}`);
}

function between(field: Field, declared: string): Conversion {
  if (field.source_type === sourceType(declared)) return EXACT;
  const affinity = findAffinity(declared);
  const to = declaredType(declared);
  const keepsText = affinity === "text" || affinity === "none";
  if (!keepsText && isText(field.dtype)) {
    return lossy("a text is a number, which SQLite would make of it");
  }
  if (to?.number === true) return intoNumbers(field, affinity);
  if (to === undefined) {
    return { ...WIDENED, note: `"${declared}" is no type of dxt: the values alone tell theirs` };
  }
  const conversion = convert(field, to);
  if (conversion.kind === "lossy" || to.dtype !== "decimal" || keepsText) return conversion;
  if (field.dtype === "decimal" && (field.precision ?? 38) > DOUBLE_DIGITS) {
    return lossy(`a value has more than ${DOUBLE_DIGITS} digits that a double does not hold`);
  }
  return field.dtype === "uint64" ? lossy("a value is no int64") : conversion;
}

/** A field of another type in a column of numbers without bounds. */
function intoNumbers(field: Field, affinity: Affinity): Conversion {
  if (!isIntegerType(field.dtype) && field.dtype !== "decimal") {
    return lossy("a value is no decimal number");
  }
  if (affinity === "text") return WIDENED;
  if (field.dtype === "uint64") return lossy("a value is no int64");
  const fits = field.dtype !== "decimal" || (field.precision ?? 38) <= DOUBLE_DIGITS;
  return fits ? WIDENED : lossy(`a value has more than ${DOUBLE_DIGITS} digits`);
}
