/**
 * Replaces values by others of the same type and shape: as many characters of the same alphabets, as many
 * digits. Equal values become equal ones, in whatever stream and field they are, so that joins and upserts
 * work on masked rows; different values of one type stay different.
 */
import { Buffer } from "node:buffer";
import { classifyType } from "../../core/values/kinds.ts";
import {
  INTEGER_BOUNDS,
  type IntegerType,
  JSONText,
  type Value,
} from "../../core/values/values.ts";
import type { Field } from "../../models/field.ts";
import { Permutation, type Position } from "./permute_symbols.ts";

/** Letters that take each other's place, in the order of their code points. */
type Alphabet = readonly string[];

/** What is replaced; punctuation, spaces and symbols are the shape of a text. */
const REPLACED = /^[\p{L}\p{N}]$/u;
/** Kinds of letters of one block of code points: each kind is an alphabet. */
const KINDS = [/^\p{N}$/u, /^\p{Lu}$/u, /^[^\p{N}\p{Lu}]$/u];
const BLOCK = 0x80;

const DIGITS: Alphabet = [..."0123456789"];
const FIRST_DIGITS: Alphabet = [..."123456789"];
const HEX: Alphabet = [..."0123456789abcdef"];

const INTEGER = /^-?[1-9]\d*$/;
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const ZERO = /^-?[0.]+$/;
/** A date that a text begins with, alone or before a time. */
const DATE = /^\d{4}-\d\d-\d\d(?=$|[T ]\d)/;
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A token of JSON that may hold a value: a name with its colon, a text, or a number. */
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** A name that belongs to the shape of a record; any other, such as an address, is a value. */
const NAME = /^[A-Za-z_$][\w$-]{0,63}$/;

const DAYS = { least: 52 * 7, weeks: 208n };
/** Years outside stand for no date, as in 9999-12-31, and stay as they are. */
const YEARS = { first: 1000, last: 9000 };

export class Masker {
  readonly #permutation: Permutation;
  /** Days that all dates of a run are moved back by: whole weeks, so that weekdays stay. */
  readonly #days: number;

  /** @param key the same key masks a value alike */
  constructor(key: Uint8Array) {
    this.#permutation = new Permutation(key);
    this.#days = DAYS.least + 7 * Number(this.#permutation.number("days", DAYS.weeks));
  }

  /** Returns the masked value, of the field's type. NULL, booleans, zero and times of day stay. */
  mask(value: Value, field: Pick<Field, "dtype">): Value {
    if (value === null || typeof value === "boolean") return value;
    if (value instanceof JSONText) return new JSONText(this.#maskJSON(value.text));
    if (value instanceof Uint8Array) return this.#maskBytes(value);
    if (typeof value === "object") return this.#moveTime(value);
    switch (classifyType(field.dtype)) {
      case "integer":
        return Number(this.#maskInteger(BigInt(value), field.dtype as IntegerType));
      case "long":
        return this.#maskInteger(BigInt(value), field.dtype as IntegerType);
      case "float":
        return this.#maskFloat(Number(value), field.dtype === "float32");
      case "string":
      case "decimal":
        return this.#maskText(String(value));
      // The texts that stand for infinite dates.
      default:
        return value;
    }
  }

  #maskText(text: string): string {
    const [date] = DATE.exec(text) ?? [];
    const day = date === undefined ? undefined : readDay(date);
    if (day !== undefined) return `${this.#moveTime(day)}${text.slice(date!.length)}`;
    if (NUMBER.test(text)) return this.#maskNumber(text);
    if (UUID.test(text)) return this.#maskUUID(text);
    return this.#replace(
      Array.from(text, (letter) => ({ letter, alphabet: findAlphabet(letter) })),
    );
  }

  /** The same digits for a number and for its text, so that both can be joined. */
  #maskNumber(text: string): string {
    return ZERO.test(text) ? text : this.#permuteDigits(text);
  }

  #permuteDigits(text: string): string {
    // The zero before a point stays, as in 0.50; text such as 007 is no number.
    const isWhole = INTEGER.test(text.replace(/\..*/, ""));
    const first = text.search(/\d/);
    return this.#replace(Array.from(text, (letter, i) => ({
      letter,
      alphabet: !/\d/.test(letter) || (i === first && !isWhole)
        ? undefined
        : i === first
        ? FIRST_DIGITS
        : DIGITS,
    })));
  }

  #maskInteger(value: bigint, dtype: IntegerType): bigint {
    const [least, most] = INTEGER_BOUNDS[dtype];
    return this.#repeat(
      value,
      (one) => BigInt(this.#maskNumber(String(one))),
      (one) => least <= one && one <= most,
    );
  }

  #maskFloat(value: number, isSingle: boolean): number {
    if (!Number.isFinite(value) || value === 0) return value;
    const [digits, exponent] = String(value).split("e");
    const read = (text: string) => {
      const number = Number(exponent === undefined ? text : `${text}e${exponent}`);
      return isSingle ? Math.fround(number) : number;
    };
    // Masks the text: a number that underflows or overflows its type could not be masked again.
    return read(this.#repeat(
      digits!,
      (text) => this.#permuteDigits(text),
      (text) => Number.isFinite(read(text)) && read(text) !== 0,
    ));
  }

  /** Masks until the value is within its bounds (cycle walking), so that different values stay different. */
  #repeat<T>(value: T, mask: (value: T) => T, fits: (value: T) => boolean): T {
    let masked = mask(value);
    while (!fits(masked)) masked = mask(masked);
    return masked;
  }

  #maskUUID(text: string): string {
    return this.#replace(
      Array.from(text, (letter) => ({ letter, alphabet: letter === "-" ? undefined : HEX })),
    );
  }

  #maskBytes(bytes: Uint8Array): Uint8Array {
    const positions = Array.from(bytes, (symbol) => ({ symbol, radix: 256 }));
    return Uint8Array.from(this.#permutation.apply(positions, "bytes"));
  }

  #maskJSON(text: string): string {
    return text.replace(TOKEN, (token, quoted?: string, colon = "") => {
      if (quoted === undefined) return this.#maskJSONNumber(token);
      const inside = JSON.parse(quoted) as string;
      return colon !== "" && NAME.test(inside)
        ? token
        : JSON.stringify(this.#maskText(inside)) + colon;
    });
  }

  #maskJSONNumber(text: string): string {
    const [, digits, exponent] = /^([^eE]*)(.*)$/.exec(text)!;
    return this.#maskNumber(digits!) + exponent!;
  }

  #moveTime(
    value: Temporal.PlainDate | Temporal.PlainTime | Temporal.PlainDateTime | Temporal.Instant,
  ): Value {
    if (value instanceof Temporal.PlainTime) return value;
    const { year } = value instanceof Temporal.Instant ? value.toZonedDateTimeISO("UTC") : value;
    if (year < YEARS.first || year > YEARS.last) return value;
    // Temporal.Instant takes no days.
    if (value instanceof Temporal.Instant) return value.subtract({ hours: this.#days * 24 });
    return value.subtract({ days: this.#days });
  }

  #replace(
    letters: readonly { readonly letter: string; readonly alphabet: Alphabet | undefined }[],
  ): string {
    const positions = letters.flatMap(({ letter, alphabet }): Position[] =>
      alphabet === undefined ? [] : [{
        symbol: alphabet.indexOf(letter),
        radix: alphabet.length,
      }]
    );
    const shape = letters.map(({ letter, alphabet }) =>
      alphabet === undefined ? letter : `\0${alphabet.length} ${alphabet[0]}\0`
    ).join("");
    const symbols = this.#permutation.apply(positions, shape).values();
    return letters.map(({ letter, alphabet }) =>
      alphabet === undefined ? letter : alphabet[symbols.next().value!]!
    ).join("");
  }
}

/** Returns undefined for a day that does not exist. */
function readDay(text: string): Temporal.PlainDate | undefined {
  try {
    return Temporal.PlainDate.from(text);
  } catch {
    return undefined;
  }
}

/** Alphabets by the number of their block and their kind. */
const alphabets = new Map<string, Alphabet>();

/** Letters and digits of the same kind among the 128 code points around one: each has one alphabet. */
function findAlphabet(letter: string): Alphabet | undefined {
  if (!REPLACED.test(letter)) return undefined;
  const kind = KINDS.find((pattern) => pattern.test(letter))!;
  const block = Math.floor(letter.codePointAt(0)! / BLOCK);
  const key = `${block} ${KINDS.indexOf(kind)}`;
  const known = alphabets.get(key) ??
    Array.from({ length: BLOCK }, (_, i) => String.fromCodePoint(block * BLOCK + i))
      .filter((one) => REPLACED.test(one) && kind.test(one));
  alphabets.set(key, known);
  return known;
}

/** A key of random bytes, or the bytes of a text. */
export function readMaskKey(text: string | undefined): Uint8Array {
  return text === undefined ? crypto.getRandomValues(new Uint8Array(32)) : Buffer.from(text);
}
