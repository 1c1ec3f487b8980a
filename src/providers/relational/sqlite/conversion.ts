/** What becomes of a field's values in a column, as `writing.ts` binds them. */
import { type Conversion, convert, EXACT, lossy, WIDENED } from "../../../core/conversion.ts";
import type { Field } from "../../../models/field.ts";
import { fits } from "./fit.ts";
import { affinityOf, declaredType, EXACT_DIGITS, SOURCE } from "./type_mapper.ts";

const TEXTS: ReadonlySet<string> = new Set(["string", "json", "array", "object"]);

export function conversionOf(field: Field, declared: string): Conversion {
  const conversion = between(field, declared);
  const fit = fits(field, declaredType(declared));
  if (conversion.kind === "lossy") return fit ? { ...conversion, limit: true } : conversion;
  return fit ? conversion : { kind: "lossy", note: "refused as the column is of another kind" };
}

function between(field: Field, declared: string): Conversion {
  if (field.source_type === `${SOURCE}${declared}`) return EXACT;
  const affinity = affinityOf(declared);
  const to = declaredType(declared);
  const keepsText = affinity === "text" || affinity === "none";
  if (!keepsText && TEXTS.has(field.dtype)) {
    return lossy("a text is a number, which SQLite would make of it");
  }
  if (to === undefined) {
    return { ...WIDENED, note: `"${declared}" is no type of dxt: the values alone tell theirs` };
  }
  const conversion = convert(field, to);
  if (conversion.kind === "lossy" || to.dtype !== "decimal" || keepsText) return conversion;
  if (field.dtype === "decimal" && (field.precision ?? 38) > EXACT_DIGITS) {
    return lossy(`a value has more than ${EXACT_DIGITS} digits that a double does not hold`);
  }
  return field.dtype === "uint64" ? lossy("a value is no int64") : conversion;
}
