/**
 * Columns → values of COPY's text format, for the types that have no binary encoder here: the server's
 * own input functions read them.
 * https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.3.55.9.2 (Text Format)
 */
import { type Data, DAY_MICROS, isNull, textReader } from "../../../../arrow/mod.ts";
import {
  numberWriter,
  type ScalarOutput,
  timeWriter,
  type WriteRow,
} from "../../../../formats/text/scalar_text.ts";
import type { Field } from "../../../../models/field.ts";
import type { TableColumn } from "../sql/catalog.ts";
import type { CopyBuffer } from "./copy_buffer.ts";
import { serverDate } from "../sql/dialect.ts";
import { arrayConverter, exactConverter } from "../types/exact_text.ts";
import type { ColumnEncoding } from "../types/column_encoding.ts";

const NULL = "\\N";
const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
};
const BACKSLASH = 0x5c;
/** What stands behind a backslash for a byte; 0 for one that stands for itself. */
const ESCAPE = new Uint8Array(256);
for (const [byte, [, letter]] of Object.entries(ESCAPES)) {
  ESCAPE[byte.charCodeAt(0)] = letter!.charCodeAt(0);
}

/** A writer of one column of a batch, NULLs included. */
export function textColumn(
  fit: ColumnEncoding,
  field: Field,
  column: TableColumn,
  data: Data,
): (row: number, out: CopyBuffer) => void {
  const write =
    (fit.how === "binary" || fit.how === "text" ? plainWriter(field, data) : undefined) ??
      generalWriter(fit, field, column, data);
  return (row, out) => isNull(data, row) ? out.text(NULL) : write(row, out);
}

/** Writes a value that is not NULL. */
type Write = (row: number, out: CopyBuffer) => void;

function generalWriter(fit: ColumnEncoding, field: Field, column: TableColumn, data: Data): Write {
  const read = textReader(field, data, "any");
  const convert = chooseConverter(fit, field, column);
  return (row, out) => out.text(convert(read(row)!).replace(/[\\\t\n\r]/g, (c) => ESCAPES[c]!));
}

/** A writer without a string for each value; undefined for a type that has none. */
function plainWriter(field: Field, data: Data): Write | undefined {
  switch (field.dtype) {
    case "string":
    case "json":
    case "array":
    case "object":
      return bytesWriter(data);
    case "date":
    case "timestamp":
    case "timestamp_tz":
      return datedWriter(field, data);
    default:
      return scalarWriter((sink) =>
        numberWriter(field, data, sink) ?? timeWriter(field, data, sink)
      );
  }
}

function scalarWriter(make: (sink: Sink) => WriteRow | undefined): Write | undefined {
  const sink = new Sink();
  const write = make(sink);
  if (write === undefined) return undefined;
  return (row, out) => {
    sink.out = out;
    write(row);
  };
}

/** A writer's message as the scalars' output. */
class Sink implements ScalarOutput {
  out!: CopyBuffer;

  get end(): number {
    return this.out.at;
  }

  set end(at: number) {
    this.out.at = at;
  }

  room(size: number): Uint8Array {
    this.out.reserve(size);
    return this.out.bytes;
  }

  ascii(text: string): void {
    this.out.text(text);
  }

  bytes(source: Uint8Array, from = 0, to = source.length): void {
    this.out.slice(source, from, to);
  }
}

const DAY = Number(DAY_MICROS);
/** Days of the years 1 to 9999: others are written in the server's own way. */
const [YEAR_1, YEAR_10000] = [-719_162, 2_932_897];

function datedWriter(field: Field, data: Data): Write {
  const write = scalarWriter((sink) => timeWriter(field, data, sink))!;
  const read = textReader(field, data, "any");
  const { values } = data;
  const unit = field.dtype === "date" ? 1 : DAY;
  return (row, out) => {
    const value = Number(values[row]);
    if (value >= YEAR_1 * unit && value < YEAR_10000 * unit) write(row, out);
    else out.text(serverDate(read(row)!));
  };
}

function bytesWriter(data: Data): Write {
  const bytes = data.values as Uint8Array;
  const offsets = data.valueOffsets as Int32Array;
  const all = bytes.subarray(offsets[0], offsets[data.length]);
  const isPlain = Object.keys(ESCAPES).every((c) => !all.includes(c.charCodeAt(0)));
  if (isPlain) return (row, out) => out.slice(bytes, offsets[row]!, offsets[row + 1]!);
  return (row, out) => {
    const [from, to] = [offsets[row]!, offsets[row + 1]!];
    out.reserve((to - from) * 2);
    let { at } = out;
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!;
      const letter = ESCAPE[byte]!;
      if (letter !== 0) out.bytes[at++] = BACKSLASH;
      out.bytes[at++] = letter === 0 ? byte : letter;
    }
    out.at = at;
  };
}

/** From the text of `arrow/text.ts` to the text that the server reads. */
function chooseConverter(
  fit: ColumnEncoding,
  field: Field,
  column: TableColumn,
): (text: string) => string {
  if (fit.how === "array") return arrayConverter(field, column.type);
  // The digits of a float32 are those of another double.
  const isWidened = field.dtype === "float32" && fit.how === "binary" && fit.as === "float8";
  if (fit.how === "checked" || isWidened) return exactConverter(field, column.type);
  return field.dtype === "binary" ? (text) => `\\x${text}` : (text) => text;
}
