/** How CSV spells values. */
import { type NumberColumn, valuePusher } from "../../arrow/mod.ts";
import { ValueError } from "../../core/errors.ts";
import { parseText } from "../../core/values.ts";
import type { Field } from "../../models/field.ts";
import type { OpenColumn, Slice, Spelling } from "../fill.ts";
import { floatHolds } from "../json/number.ts";
import { loopFor, putOthers, putTexts } from "../loops.ts";
import type { Dialect } from "./dialect.ts";
import { unescape } from "./tokenizer.ts";

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** Text that may be a number, a time or a truth value. */
const MAY_BE_VALUE = /^(?:[-\d.]|t$|f$|true$|false$)/;

export function spellingOf(field: Field, column: OpenColumn, dialect: Dialect): Spelling {
  const { nullValue } = dialect;
  const unquote = unescaper(dialect);
  const isText = field.dtype === "string";
  const usual = isText ? putTexts : loopFor(field);
  const loop = !isText && MAY_BE_VALUE.test(utf8.decode(nullValue)) ? putOthers : usual;
  const push = pusher(field, column);
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
    push: (slice, at) => push(unquote(slice, at)),
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

function pusher(field: Field, column: OpenColumn): (bytes: Uint8Array) => void {
  const { dtype } = field;
  if (dtype === "float32" || dtype === "float64") {
    return (bytes) => (column as NumberColumn).push(exactFloat(utf8.decode(bytes), field, dtype));
  }
  const push = valuePusher(field, column);
  return (bytes) => push(parseText(utf8.decode(bytes), field));
}

/** The float nearest to the text, where that is the number of the text and no other. */
function exactFloat(text: string, field: Field, dtype: "float32" | "float64"): number {
  // The shortest spelling of a double, as most programs write it.
  if (dtype === "float64" && String(Number(text)) === text) return Number(text);
  const nearest = parseText(text, field) as number;
  const value = dtype === "float32" ? Math.fround(nearest) : nearest;
  if (!/\d/.test(text) || floatHolds(withDigits(text), value, dtype)) return value;
  const wanted = `expected ${dtype} (declare the field as decimal or string to keep all digits)`;
  throw new ValueError(wanted, field.name, undefined, text);
}

/** The number with a digit on both sides of its point, or without one. */
function withDigits(text: string): string {
  return text.replace(/^([+-]?)\./, "$10.").replace(/\.(?=$|e)/i, "");
}
