/** What becomes of a field's values in a column, as `column_encoding.ts` sends them and `column_limits.ts` checks them. */
import {
  type Conversion,
  convert,
  EXACT,
  lossy,
  WIDENED,
} from "../../../../core/values/conversion.ts";
import { isIntegerType } from "../../../../core/values/values.ts";
import { isJSONType } from "../../../../core/values/kinds.ts";
import type { Field } from "../../../../models/field.ts";
import type { TableColumn } from "../sql/catalog.ts";
import { NAME_BYTES } from "../sql/dialect.ts";
import { encodingFor, naturalField } from "./column_encoding.ts";
import { TEXT } from "./server_check.ts";
import { nativeType } from "./type_mapper.ts";
import { parseTypeName, type TypeName } from "./type_name.ts";
import { isWider } from "./widening.ts";

/** Types that keep any text as it is, where they have no length. */
const FREE: ReadonlySet<string> = new Set(["text", "varchar", "citext"]);
const CLOCKS: ReadonlySet<string> = new Set(["time", "timestamp", "timestamptz"]);

/** The column is of another kind, such as text for numbers, so that its values are not those of the field. */
const OTHER_KIND: Conversion = {
  kind: "lossy",
  note: "refused as the column is of another kind, unless its text is accepted there",
};

export function findConversion(field: Field, column: TableColumn): Conversion {
  const type = parseTypeName(column.type);
  const conversion = between(field, column, type);
  const fit = encodingFor(field, column, type);
  // Values that were seen to be no numbers are not accepted one by one.
  const isOther = field.only_text === true && type.base === "numeric" && !type.array;
  if (conversion.kind === "lossy") {
    return fit && !isOther ? { ...conversion, limit: true } : conversion;
  }
  return fit || field.target_type !== undefined ? conversion : OTHER_KIND;
}

function between(field: Field, column: TableColumn, type: TypeName): Conversion {
  const native = nativeType(field);
  if (native === column.type) return EXACT;
  const { base, array, args: [size] } = type;
  const isText = TEXT.has(base) && !array;
  if (native !== undefined && !isText && isWider(native, column.type)) return WIDENED;
  if (array) return lossy(`a value is no ${column.type}`);
  if (base === "varchar" || base === "bpchar") return textConversion(field, type, native);
  if (base === "name") return lossy(`a text has more than ${NAME_BYTES} bytes`);
  if (base === "numeric" && size === undefined) return numberConversion(field, native);
  if (isJSONType(field.dtype) && (base === "json" || base === "jsonb")) {
    if (base === "json") return field.dtype === "json" ? EXACT : WIDENED;
    return {
      ...WIDENED,
      note: "as a JSON value: without the order of keys; a key that is given twice is refused",
    };
  }
  const natural = naturalField(field, column);
  const conversion = convert(field, natural);
  // Some types are text to dxt, but refuse most texts: an enum, a uuid, an interval.
  if (natural.dtype === "string" && !FREE.has(base)) return lossy(`a text is no ${column.type}`);
  if (CLOCKS.has(base) && size !== undefined && size < 6 && conversion.kind !== "lossy") {
    const same = native !== undefined && parseTypeName(native).base === base &&
      (parseTypeName(native).args[0] ?? 6) <= size;
    return same ? WIDENED : lossy(`a time has more than ${size} digits of the second`);
  }
  return conversion;
}

function textConversion(
  field: Field,
  { base, args: [size] }: TypeName,
  native: string | undefined,
): Conversion {
  // The server pads with blanks, and takes them off again in comparisons.
  if (base === "bpchar" && size !== undefined) {
    return lossy(`a text has more than ${size} characters, or ends with blanks`);
  }
  if (size === undefined) return convert(field, { dtype: "string" });
  const from = native === undefined ? undefined : parseTypeName(native);
  const bounded = from !== undefined && from.base === "varchar" && !from.array &&
    from.args[0] !== undefined && from.args[0] <= size;
  return bounded ? WIDENED : lossy(`a text has more than ${size} characters`);
}

/** A numeric without a size holds any number. */
function numberConversion(field: Field, native: string | undefined): Conversion {
  if (isIntegerType(field.dtype) || field.dtype === "decimal") return WIDENED;
  if (field.number === true) return EXACT;
  if (native !== undefined && parseTypeName(native).base === "numeric") return WIDENED;
  return lossy("a value is no decimal number");
}
