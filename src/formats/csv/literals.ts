/** Parses and writes values as CSV represents them. */
import { valuePusher } from "../../arrow/mod.ts";
import { parseText } from "../../core/values/values.ts";
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import type { Literals, OpenColumn, Slice } from "../text/text_to_columns.ts";
import { parseGuessed } from "../inference/type_inference.ts";
import { putOthers, putTexts, selectParser } from "../text/column_parsers.ts";
import type { Dialect } from "./dialect.ts";
import { unescape } from "./tokenizer.ts";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text that may be a number, a time or a boolean. */
const MAY_BE_VALUE = /^(?:[-\d.]|t$|f$|true$|false$)/;

/** @param guess the guessed type of the field; undefined when its type is declared */
export function createLiterals(
  field: Field,
  column: OpenColumn,
  dialect: Dialect,
  guess?: DXTType,
): Literals {
  const { nullValue } = dialect;
  const unquote = unescaper(dialect);
  const isText = field.dtype === "string";
  const usual = isText ? putTexts : selectParser(field, guess !== undefined);
  const parser = !isText && MAY_BE_VALUE.test(utf8.decode(nullValue)) ? putOthers : usual;
  const pushValue = valuePusher(field, column);
  const parse = guess === undefined
    ? (text: string) => parseText(text, field)
    : (text: string) => parseGuessed(text, field, guess);
  return {
    parser,
    nullSize: nullValue.length,
    isNull: ({ bytes, spans }, at) => {
      const from = spans[at]!;
      if (spans[at + 1]! - from !== nullValue.length) return false;
      if (bytes[from - 1] === dialect.quote) return false;
      for (let i = 0; i < nullValue.length; i++) if (bytes[from + i] !== nullValue[i]) return false;
      return true;
    },
    push: (slice, at) => pushValue(parse(utf8.decode(unquote(slice, at)))),
    write: ({ bytes, spans }, at, out, end) =>
      unescape(bytes, spans[at]!, ~spans[at + 1]!, dialect, out, end),
  };
}

/** Returns a function that removes a value's escapes; its result is valid until the next call. */
function unescaper(dialect: Dialect): (slice: Slice, at: number) => Uint8Array {
  let scratch = new Uint8Array(1024);
  return ({ bytes, spans }, at) => {
    const from = spans[at]!;
    if (spans[at + 1]! >= 0) return bytes.subarray(from, spans[at + 1]!);
    const to = ~spans[at + 1]!;
    if (scratch.length < to - from) scratch = new Uint8Array((to - from) * 2);
    return scratch.subarray(0, unescape(bytes, from, to, dialect, scratch, 0));
  };
}
