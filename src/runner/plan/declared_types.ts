/** Types the fields that a pipeline declares: as declared, else as the source has them. */
import { ConfigurationError, ValueError } from "../../core/errors.ts";
import { orderKind } from "../../core/values/value_order.ts";
import { parseText } from "../../core/values/values.ts";
import { MAX_DECIMAL_PRECISION } from "../../models/dtype.ts";
import type { Field, FieldDeclaration } from "../../models/field.ts";
import { declaredType, nameInTarget } from "./field_declarations.ts";

export function typeField(declared: FieldDeclaration, inferred: Field): Field {
  const {
    source_type,
    sparse: _sparse,
    inferred: guessed,
    only_text,
    number,
    uuid,
    element,
    order,
    ...field
  } = inferred;
  const type = declaredType(declared);
  const target = typeof declared.target === "object" ? declared.target : {};
  const source = typeof declared.source === "object" ? declared.source : {};
  const nullable = [inferred.nullable, declared.nullable, source.nullable, target.nullable]
    .every((allowed) => allowed ?? true);
  const dtype = type.dtype ?? inferred.dtype;
  const sameType = dtype === inferred.dtype && type.precision === undefined &&
    type.scale === undefined;
  const isAsFound = sameType && type.dtype === undefined;
  return {
    ...withoutType(field),
    name: nameInTarget(declared),
    dtype,
    ...(dtype === "decimal" ? digits(declared, type, inferred) : {}),
    nullable,
    ...chooseOrder(dtype, inferred, sameType ? order : undefined),
    ...(sameType && source_type !== undefined ? { source_type } : {}),
    ...(isAsFound && guessed === true ? { inferred: true } : {}),
    ...(isAsFound && only_text === true ? { only_text } : {}),
    // A field that is declared as a string or array is just that, even if its values are more.
    ...(isAsFound && number === true ? { number } : {}),
    ...(isAsFound && uuid === true ? { uuid } : {}),
    ...(isAsFound && element !== undefined ? { element } : {}),
    ...(target.dtype === undefined ? {} : { target_type: target.dtype }),
    ...(declared.metadata === undefined ? {} : { metadata: declared.metadata }),
  };
}

/** Text that a column of numbers became compares as numbers. */
function chooseOrder(dtype: Field["dtype"], { dtype: from, inferred }: Field, own: Field["order"]) {
  const isNumber = dtype === "string" && inferred !== true &&
    orderKind({ dtype: from }) === "number";
  const order = isNumber ? "number" : own;
  return order === undefined ? {} : { order };
}

export function withoutType({ precision: _precision, scale: _scale, ...field }: Field): Field {
  return field;
}

function digits(
  declared: FieldDeclaration,
  type: { precision: number | undefined; scale: number | undefined },
  inferred: Field,
) {
  const known = inferred.dtype === "decimal" ? inferred : undefined;
  const precision = type.precision ?? known?.precision ?? 38;
  const scale = type.scale ?? known?.scale ?? 0;
  if (scale > precision || precision > MAX_DECIMAL_PRECISION) {
    throw new ConfigurationError(
      `Cannot type field "${declared.id}": decimal(${precision},${scale}) has a scale above its precision`,
    );
  }
  return { precision, scale };
}

export function generateField(declared: FieldDeclaration): Field {
  if (declared.constant !== undefined) {
    const dtype = declared.dtype ?? inferConstantType(declared.constant);
    return typeField(declared, { name: declared.id, dtype, nullable: false });
  }
  const dtype = declared.dtype ?? "timestamp_tz";
  if (!["timestamp_tz", "timestamp", "date", "time", "string"].includes(dtype)) {
    throw new ConfigurationError(
      `Cannot generate field "${declared.id}": current_timestamp is no ${dtype}`,
    );
  }
  return typeField(declared, { name: declared.id, dtype, nullable: false });
}

function inferConstantType(constant: string | number | boolean): Field["dtype"] {
  if (typeof constant === "boolean") return "bool";
  if (typeof constant === "string") return "string";
  return Number.isSafeInteger(constant) ? "int64" : "float64";
}

/**
 * Returns the text of each constant, by the name of its field.
 *
 * @throws {ConfigurationError} for a constant that is no value of its field
 */
export function formatConstants(
  declarations: readonly FieldDeclaration[],
  generated: readonly Field[],
): Record<string, string> {
  const fields = new Map(generated.map((field) => [field.name, field]));
  const constant = declarations.filter((declared) => declared.constant !== undefined);
  return Object.fromEntries(constant.map((declared) => {
    const field = fields.get(nameInTarget(declared))!;
    const value = String(declared.constant);
    try {
      parseText(value, field);
    } catch (error) {
      if (!(error instanceof ValueError)) throw error;
      throw new ConfigurationError(
        `Cannot use constant "${value}" for field "${declared.id}": ${error.detail}`,
        { cause: error },
      );
    }
    return [field.name, value];
  }));
}
