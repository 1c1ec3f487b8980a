/** Names of a system's types: taken apart, and kept in a field's `source_type`. */
import type { MappedType } from "../../core/contracts/type_mapper.ts";
import { MAX_DECIMAL_PRECISION } from "../../models/dtype.ts";
import { type Field, NativeType } from "../../models/field.ts";

/** `timestamp(3) with time zone` has the words `timestamp with time zone` and the argument 3. */
export interface TypeName {
  /** All but the arguments, with single blanks. */
  readonly words: string;
  /** Whole numbers in parentheses, for example precision and scale; empty where there are none. */
  readonly args: readonly number[];
}

/** Parentheses that hold anything but whole numbers stay in the words. */
export function splitTypeName(text: string): TypeName {
  const match = /\(\s*(-?\d+\s*(?:,\s*-?\d+\s*)*)\)/.exec(text);
  const words = match === null ? text : text.replace(match[0], " ");
  return {
    words: words.replace(/\s+/g, " ").trim(),
    args: match === null ? [] : match[1]!.split(",").map(Number),
  };
}

/** Digits that a double keeps of every decimal. */
export const DOUBLE_DIGITS = 15;

/** The decimal of a type's arguments; undefined where dxt has none with these digits. */
export function decimalType([precision, scale = 0, ...more]: readonly number[]):
  | MappedType
  | undefined {
  const fits = precision !== undefined && more.length === 0 && precision >= 1 &&
    precision <= MAX_DECIMAL_PRECISION && scale >= 0 && scale <= precision;
  return fits ? { dtype: "decimal", precision, scale } : undefined;
}

/** How the fields of one system carry its own types, so that another of its kind gets the same. */
export interface NativeTypes {
  /** The `source_type` of a column of a native type. */
  sourceType(native: string): string;
  /** The native type of a field that came from the same system and may go into DDL as it stands. */
  nativeType(field: Pick<Field, "source_type">): string | undefined;
}

/** A field's native type, unless the field was given another type since; then undefined. */
export function keptType(
  field: Field,
  native: string | undefined,
  mapType: (native: string) => MappedType | undefined,
): string | undefined {
  const type = native === undefined ? undefined : mapType(native);
  const isSame = type?.dtype === field.dtype && type.precision === field.precision &&
    type.scale === field.scale && type.number === field.number;
  return isSame ? native : undefined;
}

export function nativeTypes(provider: string): NativeTypes {
  const prefix = `${provider}:`;
  return {
    sourceType: (native) => `${prefix}${native}`,
    nativeType({ source_type }) {
      if (source_type?.startsWith(prefix) !== true) return undefined;
      const native = source_type.slice(prefix.length);
      return NativeType.safeParse(native).success ? native : undefined;
    },
  };
}

/** Systems that declare a length of text, and store longer texts all the same. */
const WITHOUT_LENGTHS: ReadonlySet<string> = new Set(["sqlite"]);

/**
 * The most characters of a field's texts: infinite where its source sets no bound, undefined for values of
 * another kind, such as a uuid.
 */
export function longestText({ source_type }: Pick<Field, "source_type">): number | undefined {
  if (source_type === undefined) return Infinity;
  const [system, ...type] = source_type.split(":");
  const { words, args: [length] } = splitTypeName(type.join(":"));
  if (!/char|text|clob|string/i.test(words)) return undefined;
  return WITHOUT_LENGTHS.has(system!) ? Infinity : length ?? Infinity;
}
