/** How CSV spells values. */
import { valuePusher } from "../../arrow/mod.ts";
import { parseText } from "../../core/values/values.ts";
import type { DXTType } from "../../models/dtype.ts";
import type { Field } from "../../models/field.ts";
import type { OpenColumn, Slice, Spelling } from "../text/text_to_columns.ts";
import { parseGuessed } from "../inference/type_inference.ts";
import { parserFor, putOthers, putTexts } from "../text/column_parsers.ts";
import type { Dialect } from "./dialect.ts";
import { unescape } from "./tokenizer.ts";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text that may be a number, a time or a truth value. */
const MAY_BE_VALUE = /^(?:[-\d.]|t$|f$|true$|false$)/;

/** @param guess type that was guessed for the field; undefined where its type is declared */
export function literalsOf(
  field: Field,
  column: OpenColumn,
  dialect: Dialect,
  guess?: DXTType,
): Spelling {
  const { nullValue } = dialect;
  const unquote = unescaper(dialect);
  const isText = field.dtype === "string";
  const usual = isText ? putTexts : parserFor(field, guess !== undefined);
  const loop = !isText && MAY_BE_VALUE.test(utf8.decode(nullValue)) ? putOthers : usual;
  const pushValue = valuePusher(field, column);
  const parse = guess === undefined
    ? (text: string) => parseText(text, field)
    : (text: string) => parseGuessed(text, field, guess);
  return {
    loop,
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

/** Text of a value; void after the next call. */
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
