/** How JSON spells values. */
import { valuePusher } from "../../arrow/mod.ts";
import { JSONText } from "../../core/values/values.ts";
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import type { OpenColumn, Slice, Spelling } from "../text/text_to_columns.ts";
import { parserFor, putTexts } from "../text/column_parsers.ts";
import { parseScalar } from "./scalar.ts";
import { OPEN_ARRAY, OPEN_OBJECT, QUOTE } from "./scan.ts";
import { unescape } from "./text.ts";

const LETTER_N = 0x6e;
/** Where no value of a record can begin: a brace, a key and a colon stand before the first one. */
const NOWHERE = 2;

const utf8 = new TextEncoder();

/** @param guess type that was guessed for the field; undefined where its type is declared */
export function literalsOf(field: Field, column: OpenColumn, guess?: DXTType): Spelling {
  const parsed = (slice: Slice, at: number) => parsedBy(field, guess, slice, at);
  const pushValue = valuePusher(field, column);
  return {
    loop: isText(field) ? putTexts : parserFor(field, guess !== undefined),
    nullSize: 0,
    isNull: ({ spans }, at) => spans[at] === NOWHERE,
    push: (slice, at) => pushValue(parsed(slice, at)),
    write: (slice, at, out, end) => {
      const text = field.dtype === "string" ? unquoted(slice, at) : undefined;
      if (text !== undefined) {
        out.set(text, end);
        return end + text.length;
      }
      const value = parsed(slice, at);
      const other = value instanceof JSONText ? value.text : String(value);
      return end + utf8.encodeInto(other, out.subarray(end)).written;
    },
  };
}

function isText({ dtype }: Field): boolean {
  return dtype === "string" || isNested(dtype);
}

function isNested(dtype: Field["dtype"]): boolean {
  return dtype === "json" || dtype === "array" || dtype === "object";
}

/** Text between quotes, its escapes taken out; void after the next call. */
function unquoted({ bytes, spans }: Slice, at: number): Uint8Array | undefined {
  const from = spans[at]!;
  return bytes[from - 1] === QUOTE ? unescape(bytes, from, ~spans[at + 1]!) : undefined;
}

/** The value, whose span may be that between its quotes. */
function parsedBy(
  field: Field,
  guess: DXTType | undefined,
  { bytes, spans }: Slice,
  at: number,
) {
  const from = spans[at]!;
  const to = spans[at + 1]!;
  const end = to < 0 ? ~to : to;
  return bytes[from - 1] === QUOTE
    ? parseScalar(field, bytes, from - 1, end + 1, guess)
    : parseScalar(field, bytes, from, end, guess);
}

/**
 * Puts the span of the correct value from `start` up to `end`: that between the quotes of a string,
 * but of all of it where the text is wanted as JSON. `null` is NULL, but JSON's null in a json
 * field that is not nullable.
 */
export type PutSpan = (
  bytes: Uint8Array,
  start: number,
  end: number,
  escaped: boolean,
  spans: Int32Array,
  at: number,
) => void;

/** @param guess type that was guessed for the field; undefined where its type is declared */
export function spanPutter(field: Field, guess?: DXTType): PutSpan {
  const { dtype, nullable } = field;
  // JSON's own kinds are part of the guess: a number in quotes is a string.
  const isOwnKind = guess === dtype;
  const refusesQuotes = isOwnKind && dtype !== "string";
  const refusesBare = isOwnKind && dtype === "string";
  const isNullJSON = dtype === "json" && !nullable;
  const isString = dtype === "string";
  const wanted = dtype === "array" ? OPEN_ARRAY : OPEN_OBJECT;
  const nested = isNested(dtype);
  return (bytes, start, end, escaped, spans, at) => {
    const first = bytes[start];
    if (first === QUOTE && !nested) {
      spans[at] = start + 1;
      spans[at + 1] = escaped || refusesQuotes ? ~(end - 1) : end - 1;
    } else if (first === LETTER_N && !isNullJSON) {
      putMissing(spans, at);
    } else {
      // Texts are copied as they stand, so what is none must not look like one.
      const isOther = isString
        ? refusesBare || first === OPEN_ARRAY || first === OPEN_OBJECT
        : nested && dtype !== "json" && first !== wanted;
      spans[at] = start;
      spans[at + 1] = isOther ? ~end : end;
    }
  };
}

/** Whether a span begins where no value does. */
export function isMissing(start: number): boolean {
  return start === NOWHERE;
}

/** Puts the span of NULL. */
export function putMissing(spans: Int32Array, at: number): void {
  spans[at] = spans[at + 1] = NOWHERE;
}
