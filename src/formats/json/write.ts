/** Writes batches as JSON records. */
import { isNull, textReader } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import { float32Text } from "../../core/values/number_text.ts";
import { ValueError } from "../../core/errors.ts";
import type { Field } from "../../models/field.ts";
import { CLOSE_OBJECT, isDigit, MINUS, OPEN_OBJECT, QUOTE } from "../../core/values/ascii.ts";
import { measureDigits } from "../inference/number_columns.ts";
import { ByteWriter } from "../text/byte_writer.ts";
import { numberWriter, timeWriter, type WriteRow } from "../text/scalar_text.ts";
import { skipSpace } from "./syntax/scan.ts";

const utf8 = new TextEncoder();
const NULL = utf8.encode("null");

/** The text around the records of a file. */
export interface Layout {
  readonly open: string;
  readonly beforeFirst: string;
  readonly between: string;
  readonly afterLast: string;
  readonly close: string;
  /** Whether line ends within a record become spaces. */
  readonly oneLine: boolean;
}

/**
 * Yields records as JSON objects, in chunks of about 64 KiB. Integers, decimals and finite floats
 * are numbers with all their digits; other floats, dates and times are strings; bytes are
 * hexadecimal strings. Unbounded numbers are numbers, their NaN and infinities strings. Values of
 * json, array and object fields are written unchanged, NULL as `null`.
 *
 * @throws {ValueError} when a json, array or object value is not JSON, or is JSON's null in a
 * nullable field, which a reader would take for NULL
 */
export async function* writeRecords(
  batches: AsyncIterable<Batch>,
  fields: readonly Field[],
  layout: Layout,
): AsyncGenerator<Uint8Array, void, void> {
  const output = new ByteWriter();
  const keys = fields.map(({ name }, i) =>
    utf8.encode(`${i === 0 ? "{" : ","}${JSON.stringify(name)}:`)
  );
  const between = utf8.encode(layout.between);
  let records = 0;
  output.ascii(layout.open);
  for await (const batch of batches) {
    const cells = fields.map((field, i) =>
      new Cell(field, keys[i]!, batch.data.children[i]!, output, layout)
    );
    for (let row = 0; row < batch.numRows; row++) {
      if (records === 0) output.ascii(layout.beforeFirst);
      else output.bytes(between);
      records++;
      writeRecord(cells, row, records, output);
      if (output.full) yield output.take();
    }
  }
  output.ascii(`${records === 0 ? "" : layout.afterLast}${layout.close}`);
  if (!output.empty) yield output.take();
}

function writeRecord(
  cells: readonly Cell[],
  row: number,
  record: number,
  output: ByteWriter,
): void {
  if (cells.length === 0) output.byte(OPEN_OBJECT);
  try {
    for (let i = 0; i < cells.length; i++) cells[i]!.write(row);
  } catch (error) {
    throw error instanceof ValueError ? error.atRow(record) : error;
  }
  output.byte(CLOSE_OBJECT);
}

type Data = Parameters<typeof isNull>[0];

/** Writes one column of a batch. */
class Cell {
  readonly #write: WriteRow;
  readonly #hasNulls: boolean;

  constructor(
    field: Field,
    /** The key with the brace or comma before it and the colon behind it. */
    private readonly key: Uint8Array,
    private readonly data: Data,
    private readonly output: ByteWriter,
    layout: Layout,
  ) {
    this.#hasNulls = data.nullCount > 0;
    this.#write = valueWriter(field, data, output, layout.oneLine);
  }

  write(row: number): void {
    this.output.bytes(this.key);
    if (this.#hasNulls && isNull(this.data, row)) this.output.bytes(NULL);
    else this.#write(row);
  }
}

function valueWriter(
  field: Field,
  data: Data,
  output: ByteWriter,
  oneLine: boolean,
): WriteRow {
  const { values } = data;
  const offsets = data.valueOffsets as Int32Array;
  const time = timeWriter(field, data, output);
  const write = time === undefined ? numberWriter(field, data, output) : quoteWriter(time, output);
  if (write !== undefined) return write;
  switch (field.dtype) {
    case "float32":
      return (row) => output.ascii(floatText(values[row], float32Text));
    case "float64":
      return (row) => output.ascii(floatText(values[row], String));
    case "string":
      if (field.number === true) {
        return (row) => {
          const [start, end] = [offsets[row]!, offsets[row + 1]!];
          if (isJSONNumber(values, start, end)) output.bytes(values.subarray(start, end));
          else output.string(values, start, end);
        };
      }
      return (row) => output.string(values, offsets[row]!, offsets[row + 1]!);
    case "json":
    case "array":
    case "object":
      return (row) => {
        const mistake = output.json(values, offsets[row]!, offsets[row + 1]!, oneLine) ??
          (field.nullable && isJSONNull(values, offsets[row]!)
            ? "it would be read as NULL, declare the field with dtype: string or leave it out"
            : undefined);
        if (mistake === undefined) return;
        const text = textReader(field, data)(row);
        throw new ValueError(`${mistake}, as ${field.dtype} in JSON`, field.name, undefined, text);
      };
    default: {
      const text = textReader(field, data);
      return (row) => output.ascii(`"${text(row)}"`);
    }
  }
}

function quoteWriter(write: WriteRow, output: ByteWriter): WriteRow {
  return (row) => {
    output.byte(QUOTE);
    write(row);
    output.byte(QUOTE);
  };
}

/** Whether a text is also a JSON number, which has no leading zeros. */
function isJSONNumber(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start] === MINUS ? start + 1 : start;
  const isPadded = bytes[first] === 0x30 && first + 1 < end && isDigit(bytes[first + 1]!);
  return !isPadded && measureDigits(bytes, start, end) !== undefined;
}

function isJSONNull(bytes: Uint8Array, start: number): boolean {
  return bytes[skipSpace(bytes, start)] === 0x6e;
}

function floatText(value: number, format: (value: number) => string): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0.0" : format(value);
}
