/** Batches → records of JSON. */
import { isNull, textReader } from "../../arrow/mod.ts";
import type { Batch } from "../../core/batch.ts";
import { ValueError } from "../../core/errors.ts";
import type { Field } from "../../models/field.ts";
import { Output } from "./output.ts";
import { CLOSE_OBJECT, COMMA, OPEN_OBJECT, skipSpace } from "./scan.ts";

/** What stands around the records of a file. */
export interface Layout {
  readonly open: string;
  readonly beforeFirst: string;
  readonly between: string;
  readonly afterLast: string;
  readonly close: string;
  /** Whether line ends inside a record must become spaces. */
  readonly oneLine: boolean;
}

/**
 * Records as JSON objects, in chunks of about 64 KiB. Integers, decimals and finite floats are
 * numbers with all their digits; other floats, dates and times strings, bytes a string of
 * hexadecimal digits; json, array and object values stand as they are, NULL is `null`.
 *
 * @throws {ValueError} when the text of a json, array or object field is no JSON, or is JSON's null
 * in a nullable field, which would be read as NULL
 */
export async function* writeRecords(
  batches: AsyncIterable<Batch>,
  fields: readonly Field[],
  layout: Layout,
): AsyncGenerator<Uint8Array, void, void> {
  const output = new Output();
  const keys = fields.map(({ name }) => new TextEncoder().encode(`${JSON.stringify(name)}:`));
  let records = 0;
  output.ascii(layout.open);
  for await (const batch of batches) {
    const cells = fields.map((field, i) =>
      new Cell(field, keys[i]!, batch.data.children[i]!, output, layout)
    );
    for (let row = 0; row < batch.numRows; row++) {
      output.ascii(records === 0 ? layout.beforeFirst : layout.between);
      records++;
      writeRecord(cells, row, records, output);
      if (output.full) yield output.take();
    }
  }
  output.ascii(`${records === 0 ? "" : layout.afterLast}${layout.close}`);
  if (!output.empty) yield output.take();
}

function writeRecord(cells: readonly Cell[], row: number, record: number, output: Output): void {
  output.byte(OPEN_OBJECT);
  try {
    for (let i = 0; i < cells.length; i++) {
      if (i > 0) output.byte(COMMA);
      cells[i]!.write(row);
    }
  } catch (error) {
    throw error instanceof ValueError ? error.atRow(record) : error;
  }
  output.byte(CLOSE_OBJECT);
}

type Data = Parameters<typeof isNull>[0];

/** One column of a batch. */
class Cell {
  readonly #write: (row: number) => void;

  constructor(
    field: Field,
    private readonly key: Uint8Array,
    private readonly data: Data,
    private readonly output: Output,
    layout: Layout,
  ) {
    this.#write = valueWriter(field, data, output, layout.oneLine);
  }

  write(row: number): void {
    this.output.bytes(this.key);
    if (isNull(this.data, row)) this.output.ascii("null");
    else this.#write(row);
  }
}

function valueWriter(
  field: Field,
  data: Data,
  output: Output,
  oneLine: boolean,
): (row: number) => void {
  const { values } = data;
  const offsets = data.valueOffsets as Int32Array;
  switch (field.dtype) {
    case "int8":
    case "int16":
    case "int32":
    case "uint8":
    case "uint16":
    case "uint32":
    case "uint64":
      return (row) => output.ascii(String(values[row]));
    case "int64":
      return int64Writer(values, output);
    case "float32":
    case "float64":
      return (row) => output.ascii(floatText(values[row]));
    case "decimal":
    case "bool": {
      const text = textReader(field, data);
      return (row) => output.ascii(text(row)!);
    }
    case "string":
      return (row) => output.string(values, offsets[row]!, offsets[row + 1]!);
    case "json":
    case "array":
    case "object":
      return (row) => {
        const mistake = output.json(values, offsets[row]!, offsets[row + 1]!, oneLine) ??
          (field.nullable && isJSONNull(values, offsets[row]!) ? "it would be NULL" : undefined);
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

/** Integers of less than 53 bits without a bigint for each. */
function int64Writer(values: BigInt64Array, output: Output): (row: number) => void {
  const words = new Int32Array(values.buffer, values.byteOffset, values.length * 2);
  return (row) => {
    const high = words[row * 2 + 1]!;
    const small = high >= -0x100000 && high < 0x100000;
    output.ascii(
      String(small ? high * 0x100000000 + (words[row * 2]! >>> 0) : values[row]),
    );
  };
}

function isJSONNull(bytes: Uint8Array, start: number): boolean {
  return bytes[skipSpace(bytes, start)] === 0x6e;
}

function floatText(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? "-0.0" : String(value);
}
