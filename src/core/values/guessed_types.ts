/** Compares types that were guessed from values with the types of columns. */
import { type DXTType, MAX_DECIMAL_PRECISION } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import type { MappedType } from "../contracts/type_mapper.ts";

type Typed = Pick<Field, "dtype" | "precision" | "scale">;
type WiderType = Pick<MappedType, "dtype" | "precision" | "scale">;

const INTEGERS = ["int64", "uint64"] as const;

/** For types of which text is read strictly, the guesses whose values they may hold. */
const HELD: Partial<Record<DXTType, readonly DXTType[]>> = {
  int8: INTEGERS,
  int16: INTEGERS,
  int32: INTEGERS,
  int64: INTEGERS,
  uint8: INTEGERS,
  uint16: INTEGERS,
  uint32: INTEGERS,
  uint64: INTEGERS,
  decimal: [...INTEGERS, "decimal"],
  float32: [...INTEGERS, "decimal", "float64"],
  float64: [...INTEGERS, "decimal", "float64"],
  bool: ["bool"],
  date: ["date"],
  time: ["time"],
  timestamp: ["timestamp", "date"],
  timestamp_tz: ["timestamp_tz"],
};

/** Guesses of which each value was seen to be of this type. */
const CERTAIN: ReadonlySet<DXTType> = new Set(Object.values(HELD).flat());

/**
 * Whether a type may hold the values from which another type was guessed. Text that is no number, time or bool excludes
 * their types; numbers, times and bools exclude the types that cannot hold them. A string of JSON may be a
 * date. An int64 fits a smaller integer type: a value beyond its range is refused when it is read.
 */
export function mayHoldGuess(guess: Typed & Pick<Field, "only_text">, type: Typed): boolean {
  const held = HELD[type.dtype];
  // Text is also how a file writes the values of types that are never guessed, such as binary.
  if (held === undefined) return true;
  if (guess.only_text === true) return false;
  if (!CERTAIN.has(guess.dtype)) return true;
  if (!held.includes(guess.dtype)) return false;
  return type.dtype !== "decimal" || (guess.scale ?? 0) <= (type.scale ?? 0);
}

const INTEGER_DIGITS: Partial<Record<DXTType, number>> = { int64: 19, uint64: 20 };

/** The narrowest type that holds the values of both guesses; undefined when only text does. */
export function findWiderType(a: Typed, b: Typed): WiderType | undefined {
  const types = new Set([a.dtype, b.dtype]);
  const only = (...allowed: DXTType[]) => [...types].every((type) => allowed.includes(type));
  if (only("date", "timestamp")) return { dtype: "timestamp" };
  // A number that no double holds exactly is refused when it is read.
  if (only("int64", "float64")) return { dtype: "float64" };
  if (!only("int64", "uint64", "decimal")) return undefined;
  const whole = Math.max(...[a, b].map(wholeDigits));
  const scale = Math.max(a.scale ?? 0, b.scale ?? 0);
  if (whole + scale > MAX_DECIMAL_PRECISION) return undefined;
  return { dtype: "decimal", precision: whole + scale, scale };
}

function wholeDigits({ dtype, precision = 38, scale = 0 }: Typed): number {
  return INTEGER_DIGITS[dtype] ?? precision - scale;
}
