/** Infers types from text, for file formats without types. */
import type { Field } from "../../models/field.ts";
import type { FileField } from "../format.ts";
import { isDigit, MINUS, POINT, ZERO } from "../../core/values/ascii.ts";
import { NO_DAY, parseISODate, parseISOTime, parseISOTimestamp } from "../text/iso.ts";
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

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

const DATE = String.raw`\d{4}-\d\d-\d\d`;
const TIME = String.raw`\d\d:\d\d:\d\d(?:\.\d{1,6})?`;

/** Unambiguous patterns only: `007`, `+5` and `1.` are text. */
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

/** Kinds of text from which each type may be guessed; other types are never guessed. */
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
 * Whether a text may be a value of a guessed type: only such texts could have led to the guess. Any
 * text may be a string, or a value of a type that is never guessed.
 */
export function fitsGuess(text: string, dtype: DXTType): boolean {
  const kinds = KINDS_OF[dtype];
  return kinds === undefined || kinds.includes(classifyText(text));
}

/** Texts that commonly stand for NULL. */
const NULL_WORD = /^(?:\\N|NULL|NA|N\/A|NaN|None|nil|-)?$/i;

/**
 * Creates the error for a value that contradicts the guessed type of its field; it names the ways
 * out.
 *
 * @param detail the expectation, when it is more than the type
 */
export function guessError(
  field: Field,
  guess: DXTType,
  text: string,
  detail = `expected ${field.dtype}`,
): ValueError {
  const isGuess = field.inferred === true;
  const other = guess === field.dtype ? "" : `, although ${guess} was guessed`;
  const why = isGuess ? "as guessed from other values" : `as in the target's column${other}`;
  const ways = [
    "declare the field's dtype",
    isGuess || other === "" ? "raise infer_rows" : 'let the load widen a table, "schema: evolve"',
    ...(NULL_WORD.test(text) ? ["set null_value where it means NULL"] : []),
  ];
  return new ValueError(`${detail} ${why} (${ways.join(", or ")})`, field.name, undefined, text);
}

/**
 * Parses the text of a field whose type was guessed.
 *
 * @throws {ValueError} when the text contradicts the guess, or is not a value of the type
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

/** Decimal digits that a double always preserves. */
const FLOAT_DIGITS = 15;

/**
 * Guesses the narrowest type that holds all texts seen without changing a value:
 *
 * - integers are int64, beyond it uint64, and beyond that decimal
 * - numbers with a point are decimal(38, most digits seen after the point); numbers with an
 * exponent are float64, or string when a double would change one of them
 * - `true` and `false` are bool; ISO 8601 dates, times and timestamps have their types; a date
 * among timestamps is midnight
 * - everything else, and a column without values, is string
 */
export class TextTypeGuess {
  readonly #kinds = new Set<Kind>();
  #low = 0n;
  #high = 0n;
  #whole = 0;
  #scale = 0;
  #doubles = true;

  /** Whether no further text can change the type. */
  get isFinal(): boolean {
    return this.#kinds.has("string");
  }

  /** Like {@linkcode add}, for the UTF-8 text from `start` up to `end`. */
  addBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.isFinal) return;
    if (this.#addShortNumber(bytes, start, end)) return;
    if (end - start > LONGEST_VALUE * 4) return void this.#kinds.add("string");
    const kind = isDigit(bytes[start]!) ? timeKind(bytes, start, end) : undefined;
    if (kind === undefined) this.add(utf8.decode(bytes.subarray(start, end)));
    else this.#kinds.add(kind);
  }

  /** Adds a number short enough for a double to preserve it; returns false for other texts. */
  #addShortNumber(bytes: Uint8Array, start: number, end: number): boolean {
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
    // A leading zero marks text, and a negative zero is not an integer.
    if (bytes[first] === ZERO && point !== first + 1) return false;
    const negative = first !== start;
    if (point === end && isZero && negative) return false;
    this.#kinds.add(point === end ? "integer" : "decimal");
    this.#whole = Math.max(this.#whole, point - first);
    this.#scale = Math.max(this.#scale, end - point - 1);
    if (point === end && negative && this.#low === 0n) this.#low = -1n;
    return true;
  }

  add(text: string): void {
    // Once one text is neither number nor time, all are strings.
    if (this.isFinal) return;
    const kind = classifyText(text);
    this.#kinds.add(kind);
    if (kind === "float") this.#doubles &&= isDouble(text);
    if (kind !== "integer" && kind !== "decimal") return;
    const [whole = "", fraction = ""] = text.replace("-", "").split(".");
    this.#whole = Math.max(this.#whole, whole.length);
    this.#scale = Math.max(this.#scale, fraction.length);
    if (whole.length + fraction.length > FLOAT_DIGITS) this.#doubles &&= isDouble(text);
    if (kind !== "integer") return;
    // A short number is within all bounds except those of its sign.
    const value = whole.length > FLOAT_DIGITS ? BigInt(text) : text.startsWith("-") ? -1n : 0n;
    if (value < this.#low) this.#low = value;
    if (value > this.#high) this.#high = value;
  }

  /** Returns a nullable field of the guessed type. */
  field(name: string): FileField {
    const field = { name, ...this.#type(), nullable: true, inferred: true };
    if (this.#kinds.size === 0) return { ...field, valueless: true };
    return field.dtype === "string" ? { ...field, only_text: true } : field;
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

/** Classifies a date or time in its most common form; undefined for other texts. */
function timeKind(bytes: Uint8Array, start: number, end: number): Kind | undefined {
  const size = end - start;
  if (size === 10) return parseISODate(bytes, start, end) === NO_DAY ? undefined : "date";
  if (size < 19) return Number.isNaN(parseISOTime(bytes, start, end)) ? undefined : "time";
  if (!Number.isNaN(parseISOTimestamp(bytes, start, end, false))) return "timestamp";
  return Number.isNaN(parseISOTimestamp(bytes, start, end, true)) ? undefined : "timestamp_tz";
}

/** Whether the nearest double has exactly the digits of the text. */
function isDouble(text: string): boolean {
  const value = Number(text);
  return !Number.isFinite(value)
    ? text.endsWith("N") || text.endsWith("y")
    : significantDigits(text) === significantDigits(value.toExponential());
}

/** Returns the digits from the first to the last that is not zero. */
function significantDigits(text: string): string {
  return text.replace(/e.*/i, "").replace(/[-.]/g, "").replace(/^0+|0+$/g, "");
}

/** Most characters of a number, time or boolean. */
const LONGEST_VALUE = 400;

function classifyText(text: string): Kind {
  if (text.length > LONGEST_VALUE) return "string";
  const found = KINDS.find(([, pattern]) => pattern.test(text));
  if (found === undefined) return "string";
  const [kind] = found;
  if (kind === "date" || kind === "timestamp" || kind === "timestamp_tz" || kind === "time") {
    return isExistingTime(kind, text) ? kind : "string";
  }
  return kind;
}

/** Whether the date and time exist. */
function isExistingTime(
  kind: "date" | "time" | "timestamp" | "timestamp_tz",
  text: string,
): boolean {
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
