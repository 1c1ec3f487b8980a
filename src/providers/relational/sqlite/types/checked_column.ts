/**
 * Columns as another type, which does not hold all of the field's values: what a pipeline accepts as
 * lossy, and numbers without bounds in a column with bounds. The first value that is not the very same
 * there ends the load.
 */
import { createColumn, isNull, textReader, valuePusher } from "../../../../arrow/mod.ts";
import type { Batch } from "../../../../core/contracts/batch.ts";
import { typeText } from "../../../../core/values/conversion.ts";
import { ValueError } from "../../../../core/errors.ts";
import type { MappedType } from "../../../../core/contracts/type_mapper.ts";
import {
  exactDecimal,
  isIntegerType,
  parseText,
  plainDecimal,
  type Value,
} from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";

type Data = Batch["data"]["children"][number];

/** A column, and the field that its values are of. */
export interface WrittenColumn {
  readonly field: Field;
  readonly data: Data;
}

/**
 * A column of a field as one of another type.
 *
 * @throws {ValueError} with its row for a value that the type does not hold
 */
export function checkedColumn(field: Field, data: Data, to: MappedType): WrittenColumn {
  const { precision: _precision, scale: _scale, number: _number, ...rest } = field;
  const written: Field = { ...rest, ...to };
  const column = createColumn(written);
  const push = valuePusher({ ...written, nullable: true }, column);
  const read = textReader(field, data);
  for (let row = 0; row < data.length; row++) {
    if (isNull(data, row)) {
      push(null);
      continue;
    }
    const text = read(row)!;
    const value = sameValue(text, field, written);
    if (value === undefined) {
      throw new ValueError(`expected ${typeText(written)}`, field.name, row + 1, text);
    }
    push(value);
  }
  return { field: written, data: column.take() };
}

const FLOATS: ReadonlySet<string> = new Set(["float32", "float64"]);

/** The value of another type that a text, as `textReader` gives it, is; undefined where none is. */
function sameValue(
  text: string,
  field: Field,
  to: Field,
): Exclude<Value, null> | undefined {
  // Bytes and text are never the same value, whatever the text spells.
  if ((field.dtype === "binary") !== (to.dtype === "binary")) return undefined;
  if (isIntegerType(to.dtype) || to.dtype === "decimal" || FLOATS.has(to.dtype)) {
    return sameNumber(text, field, to);
  }
  const isMidnight = field.dtype === "timestamp" && to.dtype === "date";
  return parsed(isMidnight ? text.replace(/T00:00:00$/, "") : text, to);
}

/** A number of a text without leading zeros, sign or exponent: such a text would be another. */
const PLAIN = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;

function sameNumber(text: string, field: Field, to: Field): Exclude<Value, null> | undefined {
  const isFloat = FLOATS.has(field.dtype);
  if (isFloat && !Number.isFinite(Number(text))) {
    return FLOATS.has(to.dtype) ? Number(text) : undefined;
  }
  const plain = isFloat ? plainDecimal(Number(text)) : text;
  if (!PLAIN.test(plain)) return undefined;
  if (to.dtype === "decimal") return exactDecimal(plain, to.precision ?? 38, to.scale ?? 0);
  if (isIntegerType(to.dtype)) return parsed(plain.replace(/\.0+$/, ""), to);
  const number = to.dtype === "float32" ? Math.fround(Number(plain)) : Number(plain);
  return unbounded(plainDecimal(number)) === unbounded(plain) ? number : undefined;
}

/** A plain number without closing zeros. */
function unbounded(plain: string): string {
  const [whole, fraction = ""] = plain.split(".");
  const digits = fraction.replace(/0+$/, "");
  const text = digits === "" ? whole! : `${whole}.${digits}`;
  return text === "-0" ? "0" : text;
}

function parsed(text: string, to: Field): Exclude<Value, null> | undefined {
  try {
    return parseText(text, to);
  } catch (error) {
    if (error instanceof ValueError) return undefined;
    throw error;
  }
}
