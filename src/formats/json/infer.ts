/** Infers fields from records of JSON. */
import { OPEN_ARRAY, OPEN_OBJECT, QUOTE } from "../../core/values/ascii.ts";
import { ValidationError } from "../../core/errors.ts";
import { type DecimalParts, decimalParts, floatHolds } from "../../core/values/number_text.ts";
import { INTEGER_BOUNDS } from "../../core/values/values.ts";
import { MAX_DECIMAL_PRECISION } from "../../models/dtype.ts";
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import type { FileField } from "../format.ts";
import { MAX_FIELDS } from "../text/record_size.ts";
import { decimalSize } from "./syntax/number.ts";
import { RecordScanner } from "./records/record.ts";
import type { RecordSource, Scan } from "./records/source.ts";
import { decode } from "./syntax/text.ts";

/** Records from which types are inferred, unless `infer_rows` says otherwise. */
export const INFER_ROWS = 20_480;

/**
 * Infers the fields from the first records: the keys in order of appearance, each with the
 * narrowest type that holds its values exactly, all nullable. Strings stay strings, whatever they
 * look like. Values of several kinds, or none, are json.
 */
export async function inferFields(
  name: string,
  open: (scan: Scan) => RecordSource,
  maxRecords: number,
  skipsMalformed = false,
): Promise<FileField[]> {
  const scanner = new RecordScanner();
  const kinds = new Map<string, Kinds>();
  const source = open(scanner.scan);
  try {
    do {
      while (source.records < maxRecords && nextRecord(source, skipsMalformed)) {
        for (const key of scanner.keys) {
          let seen = kinds.get(key.name);
          if (seen === undefined) {
            if (kinds.size === MAX_FIELDS) {
              throw new ValidationError(
                `Cannot read "${name}": its first ${source.records} records have more than ${MAX_FIELDS} keys, expected at most that many`,
              );
            }
            kinds.set(key.name, seen = new Kinds());
          }
          seen.add(source.bytes, key.start, key.end);
        }
      }
    } while (source.records < maxRecords && await source.fill());
  } finally {
    await source.close();
  }
  if (source.records > 0 && kinds.size === 0) {
    throw new ValidationError(
      `Cannot read "${name}": none of its first ${source.records} records has a key, expected at least one (raise infer_rows if later records have keys)`,
    );
  }
  if (kinds.has("")) {
    throw new ValidationError(`Cannot read "${name}": a key is "", expected a name`);
  }
  return Array.from(kinds, ([key, seen]) => ({
    name: key,
    ...seen.type(),
    nullable: true,
    inferred: true,
    sparse: true,
    ...(seen.isEmpty ? { valueless: true as const } : {}),
  }));
}

/** As `next` of the source, behind records that cannot be parsed. */
function nextRecord(source: RecordSource, skipsMalformed: boolean): boolean {
  for (;;) {
    try {
      return source.next();
    } catch (error) {
      if (!skipsMalformed || source.skipMalformed() === undefined) throw error;
    }
  }
}

type InferredType = Pick<Field, "dtype" | "precision" | "scale">;

/** The kinds of values seen for a key. */
class Kinds {
  readonly #scalars = new Set<DXTType>();
  readonly #numbers = new NumberKinds();

  add(bytes: Uint8Array, start: number, end: number): void {
    switch (bytes[start]) {
      case QUOTE:
        this.#scalars.add("string");
        break;
      case OPEN_OBJECT:
        this.#scalars.add("object");
        break;
      case OPEN_ARRAY:
        this.#scalars.add("array");
        break;
      case 0x74:
      case 0x66:
        this.#scalars.add("bool");
        break;
      case 0x6e:
        break;
      default:
        this.#numbers.add(decode(bytes, start, end));
    }
  }

  get isEmpty(): boolean {
    return this.#scalars.size === 0 && this.#numbers.type() === undefined;
  }

  type(): InferredType {
    const numbers = this.#numbers.type();
    const kinds = [...this.#scalars, ...(numbers === undefined ? [] : [numbers.dtype])];
    if (kinds.length !== 1) return { dtype: "json" };
    return numbers ?? { dtype: kinds[0]! };
  }
}

/** Digits of integers that a double always holds. */
const SHORT_INTEGER = /^-?[1-9]\d{0,14}$/;

/** Infers the narrowest type for numbers. */
class NumberKinds {
  #count = 0;
  #low = 0n;
  #high = 0n;
  #integers = true;
  #floats = true;
  #negativeZero = false;
  #whole = 0;
  #scale = 0;

  add(text: string): void {
    this.#count++;
    if (SHORT_INTEGER.test(text)) {
      const negative = text.startsWith("-");
      this.#whole = Math.max(this.#whole, text.length - (negative ? 1 : 0));
      if (negative && this.#low === 0n) this.#low = -1n;
      return;
    }
    const parts = decimalParts(text);
    if (parts === undefined) {
      // Only text holds so many digits.
      this.#floats = false;
      this.#whole = text.length;
      return;
    }
    this.#addSize(parts);
    this.#negativeZero ||= parts.digits === "" && parts.negative;
    this.#floats &&= floatHolds(text, Number(text), "float64");
    if (!/^-?\d+$/.test(text)) this.#integers = false;
    else if (text.length <= MAX_DECIMAL_PRECISION) {
      const value = BigInt(text);
      if (value < this.#low) this.#low = value;
      if (value > this.#high) this.#high = value;
    }
  }

  #addSize(parts: DecimalParts): void {
    const { whole, scale } = decimalSize(parts);
    this.#whole = Math.max(this.#whole, whole);
    this.#scale = Math.max(this.#scale, scale);
  }

  /** The type; undefined when no number was seen. */
  type(): InferredType | undefined {
    if (this.#count === 0) return undefined;
    if (this.#integers && !this.#negativeZero) {
      for (const dtype of ["int64", "uint64"] as const) {
        const [low, high] = INTEGER_BOUNDS[dtype];
        if (this.#whole <= 20 && this.#low >= low && this.#high <= high) return { dtype };
      }
    } else if (this.#floats) return { dtype: "float64" };
    return this.#negativeZero ? { dtype: "json" } : this.#decimal();
  }

  #decimal(): InferredType {
    const digits = Math.max(1, this.#whole + this.#scale);
    if (digits > MAX_DECIMAL_PRECISION) return { dtype: "json" };
    return { dtype: "decimal", precision: digits <= 38 ? 38 : 76, scale: this.#scale };
  }
}
