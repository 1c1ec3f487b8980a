/** Batches → records of CSV. */
import { isNull, textReader } from "../../arrow/mod.ts";
import type { Batch } from "../../core/batch.ts";
import { SchemaError, show } from "../../core/errors.ts";
import type { Field } from "../../models/field.ts";
import { Output } from "../json/output.ts";
import type { Dialect } from "./dialect.ts";

const utf8 = new TextEncoder();
const MARK = utf8.encode("\ufeff");

/** Bytes that must be in quotes, and those that the escape stands before. */
function special(dialect: Dialect): { quoted: Uint8Array; escaped: Uint8Array } {
  const quoted = new Uint8Array(256);
  const escaped = new Uint8Array(256);
  for (const byte of [dialect.delimiter, dialect.quote, dialect.escape, 0x0a, 0x0d]) {
    quoted[byte] = 1;
  }
  escaped[dialect.quote] = escaped[dialect.escape] = 1;
  return { quoted, escaped };
}

class Writer {
  readonly output = new Output();
  readonly nullText: string;
  readonly #special: ReturnType<typeof special>;
  readonly #lineEnd: Uint8Array;

  constructor(private readonly dialect: Dialect) {
    this.nullText = new TextDecoder().decode(dialect.nullValue);
    this.#special = special(dialect);
    this.#lineEnd = utf8.encode(dialect.lineEnd);
  }

  /** Whether letters, digits, signs, points and colons mean nothing else than themselves. */
  get plainIsData(): boolean {
    const { delimiter, quote, escape } = this.dialect;
    return !/[\w+\-.:]/.test(String.fromCharCode(delimiter, quote, escape));
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

  /** Text in UTF-8, in quotes where it would be read as something else. */
  text(bytes: Uint8Array, from: number, to: number): void {
    if (!this.#needsQuotes(bytes, from, to)) return this.output.bytes(bytes, from, to);
    const { quote, escape } = this.dialect;
    const { escaped } = this.#special;
    this.output.byte(quote);
    let start = from;
    for (let at = from; at < to; at++) {
      if (escaped[bytes[at]!] === 0) continue;
      this.output.bytes(bytes, start, at);
      this.output.byte(escape);
      start = at;
    }
    this.output.bytes(bytes, start, to);
    this.output.byte(quote);
  }

  #needsQuotes(bytes: Uint8Array, from: number, to: number): boolean {
    const { nullValue } = this.dialect;
    const { quoted } = this.#special;
    if (from === to || to - from === nullValue.length) {
      if (nullValue.every((byte, i) => byte === bytes[from + i])) return true;
      // In a file of one column, a line with nothing on it may be taken for none.
      if (from === to) return true;
    }
    for (let at = from; at < to; at++) if (quoted[bytes[at]!] === 1) return true;
    // At a file's start it would be taken for a byte order mark.
    return bytes[from] === MARK[0] && bytes[from + 1] === MARK[1] && bytes[from + 2] === MARK[2];
  }
}

/** Records in chunks of about 64 KiB, after a header that names the fields. */
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
          `Cannot write field ${show(name)}: its name has half a surrogate pair`,
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

function cellWriter(field: Field, data: Data, writer: Writer): (row: number) => void {
  const { values } = data;
  if (["string", "json", "array", "object"].includes(field.dtype)) {
    const offsets = data.valueOffsets as Int32Array;
    return (row) =>
      isNull(data, row) ? writer.null() : writer.text(values, offsets[row]!, offsets[row + 1]!);
  }
  const read = textReader(field, data);
  const general = (text: string) => {
    const bytes = utf8.encode(text);
    writer.text(bytes, 0, bytes.length);
  };
  const { plainIsData, nullText } = writer;
  return (row) => {
    const text = read(row);
    if (text === null) writer.null();
    else if (plainIsData && text !== "" && text !== nullText) writer.output.ascii(text);
    else general(text);
  };
}
