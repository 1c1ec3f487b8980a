/** Parses and writes values as JSON represents them. */
import { OPEN_ARRAY, OPEN_OBJECT, QUOTE } from "../../../core/values/ascii.ts";
import { valuePusher } from "../../../arrow/mod.ts";
import { JSONText } from "../../../core/values/values.ts";
import { isJSONType, isText } from "../../../core/values/kinds.ts";
import type { DXTType } from "../../../models/dtype.ts";
import type { Field } from "../../../models/field.ts";
import type { Literals, OpenColumn, Slice } from "../../text/text_to_columns.ts";
import { putTexts, selectParser } from "../../text/column_parsers.ts";
import { parseScalar } from "./scalar.ts";
import { unescape } from "./text.ts";

const LETTER_N = 0x6e;
/** Span start of a missing value. No value starts there: a brace, a key and a colon come first. */
const MISSING = 2;

const utf8 = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** @param guess the guessed type of the field; undefined when its type is declared */
export function createLiterals(field: Field, column: OpenColumn, guess?: DXTType): Literals {
  const parse = (slice: Slice, at: number) => parseSpan(field, guess, slice, at);
  const pushValue = valuePusher(field, column);
  return {
    parser: isText(field.dtype) ? putTexts : selectParser(field, guess !== undefined),
    nullSize: 0,
    isNull: ({ spans }, at) => spans[at] === MISSING,
    push: (slice, at) => pushValue(parse(slice, at)),
    write: (slice, at, out, end) => {
      const text = field.dtype === "string" ? unquote(slice, at) : undefined;
      if (text !== undefined) {
        out.set(text, end);
        return end + text.length;
      }
      const value = parse(slice, at);
      const other = value instanceof JSONText ? value.text : String(value);
      return end + utf8.encodeInto(other, out.subarray(end)).written;
    },
  };
}

/** Returns the text between quotes, unescaped; valid until the next call. */
function unquote({ bytes, spans }: Slice, at: number): Uint8Array | undefined {
  const from = spans[at]!;
  return bytes[from - 1] === QUOTE ? unescape(bytes, from, ~spans[at + 1]!) : undefined;
}

/** Parses a value whose span may exclude its quotes. */
function parseSpan(
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
 * Writes the span of a valid value from `start` up to `end`. A string's span excludes its quotes,
 * except where the field stores JSON text. `null` is NULL, except in a json field that is not
 * nullable, where it is JSON's null.
 */
export type PutSpan = (
  bytes: Uint8Array,
  start: number,
  end: number,
  escaped: boolean,
  spans: Int32Array,
  at: number,
) => void;

/** @param guess the guessed type of the field; undefined when its type is declared */
export function spanPutter(field: Field, guess?: DXTType): PutSpan {
  const { dtype, nullable } = field;
  // A guess includes JSON's kind: it does not allow a number in quotes.
  const isOwnKind = guess === dtype;
  const refusesQuotes = isOwnKind && dtype !== "string";
  const refusesBare = isOwnKind && dtype === "string";
  const isNullJSON = dtype === "json" && !nullable;
  const isString = dtype === "string";
  const wanted = dtype === "array" ? OPEN_ARRAY : OPEN_OBJECT;
  const nested = isJSONType(dtype);
  return (bytes, start, end, escaped, spans, at) => {
    const first = bytes[start];
    if (first === QUOTE && !nested) {
      spans[at] = start + 1;
      spans[at + 1] = escaped || refusesQuotes ? ~(end - 1) : end - 1;
    } else if (first === LETTER_N && !isNullJSON) {
      putMissing(spans, at);
    } else {
      // Text is copied as it is; other kinds are marked as escaped so that they take the parser's
      // path.
      const isOther = isString
        ? refusesBare || first === OPEN_ARRAY || first === OPEN_OBJECT
        : nested && dtype !== "json" && first !== wanted;
      spans[at] = start;
      spans[at + 1] = isOther ? ~end : end;
    }
  };
}

/** The value of a span as text: that of a string, else its JSON; null if it is missing. */
export function readSpan({ bytes, spans }: Slice, at: number): string | null {
  const from = spans[at]!;
  const to = spans[at + 1]!;
  if (isMissing(from)) return null;
  const end = to < 0 ? ~to : to;
  if (bytes[from - 1] !== QUOTE) return decoder.decode(bytes.subarray(from, end));
  return decoder.decode(unescape(bytes, from, end) ?? bytes.subarray(from, end));
}

/** Whether a span is that of a missing value. */
export function isMissing(start: number): boolean {
  return start === MISSING;
}

/** Writes the span of NULL. */
export function putMissing(spans: Int32Array, at: number): void {
  spans[at] = spans[at + 1] = MISSING;
}
