/** Types told by texts, for files that have none. */
import type { Field } from "../../models/field.ts";
import type { FileField } from "../format.ts";
import { isDigit, MINUS } from "../text/ascii.ts";
import { isoDate, isoTime, isoTimestamp, NO_DAY } from "../text/iso.ts";
import { ValueError } from "../../core/errors.ts";
import { INTEGER_BOUNDS, parseText, type Value } from "../../core/values/values.ts";
import { type DXTType, MAX_DECIMAL_PRECISION } from "../../models/dtype.ts";

type Kind =
  | "integer"
  | "decimal"
  | "float"
  | "bool"
  | "date"
  | "time"
  | "timestamp"
  | "timestamp_tz"
  | "string";

const ZERO = 0x30;
const POINT = 0x2e;

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

const DATE = String.raw`\d{4}-\d\d-\d\d`;
const TIME = String.raw`\d\d:\d\d:\d\d(?:\.\d{1,6})?`;

/** Only spellings that say what they are: `007`, `+5` and `1.` are texts. */
const KINDS: readonly (readonly [Kind, RegExp])[] = [
  ["integer", /^(?:0|-?[1-9]\d*)$/],
  ["decimal", /^-?(?:0|[1-9]\d*)\.\d+$/],
  ["float", /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?[eE][+-]?\d{1,3}|NaN|-?Infinity)$/],
  ["bool", /^(?:true|false|True|False|TRUE|FALSE)$/],
  ["date", new RegExp(`^${DATE}$`)],
  ["timestamp", new RegExp(`^${DATE}[T ]${TIME}$`)],
  ["timestamp_tz", new RegExp(`^${DATE}[T ]${TIME}(?:Z|[+-]\\d\\d(?::?\\d\\d)?)$`)],
  ["time", new RegExp(`^${TIME}$`)],
];

/** Kinds of text that each type may be guessed from; a type that is not in it is never guessed. */
const KINDS_OF: Partial<Record<DXTType, readonly Kind[]>> = {
  int8: ["integer"],
  int16: ["integer"],
  int32: ["integer"],
  int64: ["integer"],
  uint8: ["integer"],
  uint16: ["integer"],
  uint32: ["integer"],
  uint64: ["integer"],
  decimal: ["integer", "decimal"],
  float32: ["integer", "decimal", "float"],
  float64: ["integer", "decimal", "float"],
  bool: ["bool"],
  date: ["date"],
  time: ["time"],
  timestamp: ["timestamp", "date"],
  timestamp_tz: ["timestamp_tz"],
};

/**
 * Whether a text may be a value of a type that was guessed: only such texts would have led to it. A
 * string may be any text, and so may a type that is never guessed from one.
 */
export function fitsGuess(text: string, dtype: DXTType): boolean {
  const kinds = KINDS_OF[dtype];
  return kinds === undefined || kinds.includes(kindOf(text));
}

/** Texts that often stand for NULL. */
const NULL_WORD = /^(?:\\N|NULL|NA|N\/A|NaN|None|nil|-)?$/i;

/**
 * The error for a value that the guess of its field's type does not allow, with the way out.
 *
 * @param detail what was expected, where it is more than the type
 */
export function guessError(
  field: Field,
  guess: DXTType,
  text: string,
  detail = `expected ${field.dtype}`,
): ValueError {
  const why = guess === field.dtype
    ? "as guessed from other values"
    : `as its column in the target is, guessed was ${guess}`;
  const ways = [
    "declare the field's dtype",
    ...(guess === field.dtype ? ["raise infer_rows"] : []),
    ...(NULL_WORD.test(text) ? ["set null_value where it means NULL"] : []),
  ];
  return new ValueError(`${detail} ${why} (${ways.join(", or ")})`, field.name, undefined, text);
}

/**
 * Parses the text of a field whose type was guessed.
 *
 * @throws {ValueError} when no guess from the text would allow the type, or it is no such value
 */
export function parseGuessed(text: string, field: Field, guess: DXTType): Exclude<Value, null> {
  if (!fitsGuess(text, field.dtype)) throw guessError(field, guess, text);
  try {
    return parseText(text, field);
  } catch (error) {
    if (!(error instanceof ValueError) || error.detail.includes("declare")) throw error;
    throw guessError(field, guess, text, error.detail);
  }
}

/** Digits of a number without exponent that a double always gives back. */
const FLOAT_DIGITS = 15;

/**
 * The narrowest type that holds all texts seen, so that no number or time is changed:
 *
 * - whole numbers are int64, uint64 beyond it, and decimal beyond that
 * - with a point they are decimal(38, most digits seen after the point); with an exponent float64,
 *   unless a double would not give some of them back
 * - `true` and `false`, dates, times and timestamps of ISO 8601; a date among timestamps is midnight
 * - everything else, and a column without values, is string
 */
export class TextTypeGuess {
  readonly #kinds = new Set<Kind>();
  #low = 0n;
  #high = 0n;
  #whole = 0;
  #scale = 0;
  #doubles = true;

  /** Whether nothing that comes can change the type. */
  get settled(): boolean {
    return this.#kinds.has("string");
  }

  /** As {@linkcode see}, for the UTF-8 text from `start` up to `end`. */
  seeBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.settled) return;
    if (this.#seeShortNumber(bytes, start, end)) return;
    if (end - start > LONGEST_VALUE * 4) return void this.#kinds.add("string");
    const kind = isDigit(bytes[start]!) ? timeKind(bytes, start, end) : undefined;
    if (kind === undefined) this.see(utf8.decode(bytes.subarray(start, end)));
    else this.#kinds.add(kind);
  }

  /** Sees a number that is short enough for a double to give it back; false for other texts. */
  #seeShortNumber(bytes: Uint8Array, start: number, end: number): boolean {
    const first = bytes[start] === MINUS ? start + 1 : start;
    if (end <= first || end - first > FLOAT_DIGITS) return false;
    let point = end;
    let isZero = true;
    for (let at = first; at < end; at++) {
      const byte = bytes[at]!;
      if (isDigit(byte)) isZero &&= byte === ZERO;
      else if (byte === POINT && point === end && at > first && at + 1 < end) point = at;
      else return false;
    }
    // A zero in front says that it is no number, and a zero with a sign is not an integer.
    if (bytes[first] === ZERO && point !== first + 1) return false;
    const negative = first !== start;
    if (point === end && isZero && negative) return false;
    this.#kinds.add(point === end ? "integer" : "decimal");
    this.#whole = Math.max(this.#whole, point - first);
    this.#scale = Math.max(this.#scale, end - point - 1);
    if (point === end && negative && this.#low === 0n) this.#low = -1n;
    return true;
  }

  see(text: string): void {
    // A text that is no number or time makes all others texts.
    if (this.settled) return;
    const kind = kindOf(text);
    this.#kinds.add(kind);
    if (kind === "float") this.#doubles &&= isDouble(text);
    if (kind !== "integer" && kind !== "decimal") return;
    const [whole = "", fraction = ""] = text.replace("-", "").split(".");
    this.#whole = Math.max(this.#whole, whole.length);
    this.#scale = Math.max(this.#scale, fraction.length);
    if (whole.length + fraction.length > FLOAT_DIGITS) this.#doubles &&= isDouble(text);
    if (kind !== "integer") return;
    // A short number is within all bounds but that of its sign.
    const value = whole.length > FLOAT_DIGITS ? BigInt(text) : text.startsWith("-") ? -1n : 0n;
    if (value < this.#low) this.#low = value;
    if (value > this.#high) this.#high = value;
  }

  /** A nullable field of the type that fits. */
  field(name: string): FileField {
    const field = { name, ...this.#type(), nullable: true, inferred: true };
    return this.#kinds.size === 0 ? { ...field, valueless: true } : field;
  }

  #type(): Pick<Field, "dtype" | "precision" | "scale"> {
    const kinds = this.#kinds;
    const only = (...allowed: Kind[]) => kinds.isSubsetOf(new Set(allowed));
    if (kinds.size === 0) return { dtype: "string" };
    if (only("integer")) return this.#integer();
    if (only("integer", "decimal")) return this.#decimal();
    if (only("integer", "decimal", "float")) {
      return { dtype: this.#doubles ? "float64" : "string" };
    }
    if (only("date")) return { dtype: "date" };
    if (only("date", "timestamp")) return { dtype: "timestamp" };
    const [kind] = kinds;
    if (kinds.size > 1 || kind === undefined) return { dtype: "string" };
    return { dtype: kind as Field["dtype"] };
  }

  #integer(): Pick<Field, "dtype" | "precision" | "scale"> {
    const fits = (dtype: "int64" | "uint64") =>
      this.#low >= INTEGER_BOUNDS[dtype][0] && this.#high <= INTEGER_BOUNDS[dtype][1];
    if (fits("int64")) return { dtype: "int64" };
    return fits("uint64") ? { dtype: "uint64" } : this.#decimal();
  }

  #decimal(): Pick<Field, "dtype" | "precision" | "scale"> {
    const precision = Math.max(38, this.#whole + this.#scale);
    if (precision > MAX_DECIMAL_PRECISION) return { dtype: "string" };
    return { dtype: "decimal", precision, scale: this.#scale };
  }
}

/** The kind of a date or time in its usual spelling; undefined for other texts. */
function timeKind(bytes: Uint8Array, start: number, end: number): Kind | undefined {
  const size = end - start;
  if (size === 10) return isoDate(bytes, start, end) === NO_DAY ? undefined : "date";
  if (size < 19) return Number.isNaN(isoTime(bytes, start, end)) ? undefined : "time";
  if (!Number.isNaN(isoTimestamp(bytes, start, end, false))) return "timestamp";
  return Number.isNaN(isoTimestamp(bytes, start, end, true)) ? undefined : "timestamp_tz";
}

/** Whether the double nearest to the text has all its digits, and no others. */
function isDouble(text: string): boolean {
  const value = Number(text);
  return !Number.isFinite(value)
    ? text.endsWith("N") || text.endsWith("y")
    : digitsOf(text) === digitsOf(value.toExponential());
}

/** Digits that count, from the first to the last that is not zero. */
function digitsOf(text: string): string {
  return text.replace(/e.*/i, "").replace(/[-.]/g, "").replace(/^0+|0+$/g, "");
}

/** Characters that no number, time or truth value has more of. */
const LONGEST_VALUE = 400;

function kindOf(text: string): Kind {
  if (text.length > LONGEST_VALUE) return "string";
  const found = KINDS.find(([, pattern]) => pattern.test(text));
  if (found === undefined) return "string";
  const [kind] = found;
  if (kind === "date" || kind === "timestamp" || kind === "timestamp_tz" || kind === "time") {
    return isReal(kind, text) ? kind : "string";
  }
  return kind;
}

/** Whether there is such a day and time. */
function isReal(kind: "date" | "time" | "timestamp" | "timestamp_tz", text: string): boolean {
  if (/:60/.test(text)) return false;
  try {
    if (kind === "date") Temporal.PlainDate.from(text);
    else if (kind === "time") Temporal.PlainTime.from(text);
    else if (kind === "timestamp") Temporal.PlainDateTime.from(text);
    else Temporal.Instant.from(text);
    return true;
  } catch {
    return false;
  }
}
