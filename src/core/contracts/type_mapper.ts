/** Maps the types of a system to those of dxt. Only the provider itself calls its mapper. */
import type { DXTType } from "../../models/dtype.ts";
import type { Element, Field } from "../../models/field.ts";

/** The type part of a field. */
export interface MappedType {
  readonly dtype: DXTType;
  readonly precision?: number;
  readonly scale?: number;
  /** Whether a string holds a number without bounds, see `Field`. */
  readonly number?: true;
  /** Whether a string holds a UUID, see `Field`. */
  readonly uuid?: true;
  /** Type of an array's elements, see `Field`. */
  readonly element?: Element;
  /** Order of text that stands for another type, see `Field`. */
  readonly order?: NonNullable<Field["order"]>;
}

/**
 * A number without bounds, which dxt moves as its text: targets store it as a number where they can,
 * and its watermarks compare by value.
 */
export const UNBOUNDED_NUMBER: MappedType = { dtype: "string", number: true, order: "number" };

/**
 * Whether it is unknown how many digits the numbers of a field need: their type is unbounded, or a decimal that was
 * guessed from the first values, and later values may need more digits.
 */
export function isUnbounded({ dtype, number, inferred }: Field): boolean {
  return number === true || (dtype === "decimal" && inferred === true);
}

/** A column of UUIDs, which dxt moves as their canonical text. */
export const UUID: MappedType = { dtype: "string", uuid: true };

/** Maps the types of a system to the 21 of dxt and back, without loss. */
export interface TypeMapper {
  /** @throws {TypeMappingError} for a type that has no lossless counterpart */
  fromSource(nativeType: string): MappedType;
  /** The field's `target_type` where it has one, else the type that holds all its values. */
  toTarget(field: Field): string;
}
