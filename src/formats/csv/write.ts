/** Writes batches as CSV records. */
import { isNull, textReader } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import { quoteValue, SchemaError } from "../../core/errors.ts";
import { isText } from "../../core/values/kinds.ts";
import type { Field } from "../../models/field.ts";
import { ByteWriter } from "../text/byte_writer.ts";
import { numberWriter, timeWriter, type WriteRow } from "../text/scalar_text.ts";
import type { Dialect } from "./dialect.ts";

const utf8 = new TextEncoder();
const MARK = utf8.encode("\ufeff");

/** Text that may be a number, a time or a boolean. */
const MAY_BE_VALUE = /^(?:[-+\d.]|t|f|inf|nan)/i;

/** Returns the bytes that require quotes, and those that require an escape. */
function specialBytes(dialect: Dialect): { quoted: Uint8Array; escaped: Uint8Array } {
  const quoted = new Uint8Array(256);
  const escaped = new Uint8Array(256);
  for (const byte of [dialect.delimiter, dialect.quote, dialect.escape, 0x0a, 0x0d]) {
    quoted[byte] = 1;
  }
  escaped[dialect.quote] = escaped[dialect.escape] = 1;
  return { quoted, escaped };
}

class Writer {
  readonly output = new ByteWriter();
  /** Whether no number or time needs quotes, since its characters have no special meaning. */
  readonly isPlain: boolean;
  readonly #special: ReturnType<typeof specialBytes>;
  readonly #lineEnd: Uint8Array;

  constructor(private readonly dialect: Dialect) {
    const { delimiter, quote, escape, nullValue } = dialect;
    this.isPlain = !/[\w+\-.:]/.test(String.fromCharCode(delimiter, quote, escape)) &&
      !MAY_BE_VALUE.test(new TextDecoder().decode(nullValue));
    this.#special = specialBytes(dialect);
    this.#lineEnd = utf8.encode(dialect.lineEnd);
  }

  delimiter(): void {
    this.output.byte(this.dialect.delimiter);
  }

  endRecord(): void {
    this.output.bytes(this.#lineEnd);
  }

  null(): void {
    this.output.bytes(this.dialect.nullValue);
  }

  /** Writes UTF-8 text, quoted where it would be read as something else. */
  text(bytes: Uint8Array, from: number, to: number): void {
    const { output } = this;
    const { quoted } = this.#special;
    if (this.#isMistakable(bytes, from, to)) return this.#writeQuoted(bytes, from, to);
    const out = output.room(to - from);
    let { end } = output;
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (quoted[byte] === 1) return this.#writeQuoted(bytes, from, to);
      out[end++] = byte;
    }
    output.end = end;
  }

  #writeQuoted(bytes: Uint8Array, from: number, to: number): void {
    const { output } = this;
    const { quote, escape } = this.dialect;
    const { escaped } = this.#special;
    const out = output.room((to - from) * 2 + 2);
    let { end } = output;
    out[end++] = quote;
    for (let at = from; at < to; at++) {
      const byte = bytes[at]!;
      if (escaped[byte] === 1) out[end++] = escape;
      out[end++] = byte;
    }
    out[end++] = quote;
    output.end = end;
  }

  /** Whether a reader would take the text for NULL, a blank line or a byte order mark. */
  #isMistakable(bytes: Uint8Array, from: number, to: number): boolean {
    // In a file of one column, readers may skip a blank line.
    if (from === to) return true;
    const { nullValue } = this.dialect;
    if (to - from === nullValue.length && nullValue.every((byte, i) => byte === bytes[from + i])) {
      return true;
    }
    return bytes[from] === MARK[0] && to - from >= MARK.length && bytes[from + 1] === MARK[1] &&
      bytes[from + 2] === MARK[2];
  }
}

/** Yields the records in chunks of about 64 KiB, after a header with the field names. */
export async function* writeRecords(
  batches: AsyncIterable<Batch>,
  fields: readonly Field[],
  dialect: Dialect,
): AsyncGenerator<Uint8Array, void, void> {
  const writer = new Writer(dialect);
  const { output } = writer;
  if (dialect.header) {
    fields.forEach(({ name }, i) => {
      if (i > 0) writer.delimiter();
      if (!name.isWellFormed()) {
        throw new SchemaError(
          `Cannot write field ${quoteValue(name)}: its name contains a lone surrogate`,
        );
      }
      const bytes = utf8.encode(name);
      writer.text(bytes, 0, bytes.length);
    });
    writer.endRecord();
  }
  for await (const batch of batches) {
    const cells = fields.map((field, i) => cellWriter(field, batch.data.children[i]!, writer));
    for (let row = 0; row < batch.numRows; row++) {
      for (let i = 0; i < cells.length; i++) {
        if (i > 0) writer.delimiter();
        cells[i]!(row);
      }
      writer.endRecord();
      if (output.full) yield output.take();
    }
  }
  if (!output.empty) yield output.take();
}

type Data = Parameters<typeof isNull>[0];

function cellWriter(field: Field, data: Data, writer: Writer): WriteRow {
  const write = presentWriter(field, data, writer);
  if (data.nullCount === 0) return write;
  return (row) => isNull(data, row) ? writer.null() : write(row);
}

function presentWriter(field: Field, data: Data, writer: Writer): WriteRow {
  const { values } = data;
  if (isText(field.dtype)) {
    const offsets = data.valueOffsets as Int32Array;
    return (row) => writer.text(values, offsets[row]!, offsets[row + 1]!);
  }
  const { output, isPlain } = writer;
  const fast = isPlain
    ? numberWriter(field, data, output) ?? timeWriter(field, data, output)
    : undefined;
  if (fast !== undefined) return fast;
  const read = textReader(field, data);
  const isNumber = isPlain && field.dtype !== "binary";
  return (row) => {
    const text = read(row)!;
    if (isNumber) return output.ascii(text);
    const bytes = utf8.encode(text);
    writer.text(bytes, 0, bytes.length);
  };
}
