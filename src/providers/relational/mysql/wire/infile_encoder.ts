/**
 * Batches → the bytes of a file as LOAD DATA reads it: a line a row, tabs between its values, a backslash before
 * what would be read otherwise, `\N` for NULL. Where the server takes no file they are statements instead, whose
 * literals have the same backslashes.
 * https://dev.mysql.com/doc/refman/8.4/en/load-data.html
 */
import { type Data, DAY_MICROS, isNull, textReader } from "../../../../arrow/mod.ts";
import type { Batch } from "../../../../core/contracts/batch.ts";
import { ValueError } from "../../../../core/errors.ts";
import { ByteWriter } from "../../../../formats/text/byte_writer.ts";
import { numberWriter, timeWriter, type WriteRow } from "../../../../formats/text/scalar_text.ts";
import { formatValue, parseText } from "../../../../core/values/values.ts";
import type { MappedType } from "../../../../core/contracts/type_mapper.ts";
import type { Field } from "../../../../models/field.ts";
import { HEADER } from "./packets.ts";

/** What a column takes less of than its type, where the server would change a value in silence. */
export interface ColumnLimit {
  /** The column's type, where the field has values that it does not hold. */
  readonly checked?: MappedType;
  /** Digits of a second; finer ones would be rounded. */
  readonly fractionDigits?: number;
  /** A blank at the end would vanish. */
  readonly noClosingBlank?: true;
  /** Other lengths would be filled up. */
  readonly bytes?: number;
  /** Others would be compared by their collation. */
  readonly values?: readonly string[];
  /** Two digits would be read as a year of this century. */
  readonly isYear?: true;
  /** Digits would be read as characters. */
  readonly isBits?: true;
  /** Negative zero would become zero. */
  readonly noNegativeZero?: true;
}

export interface InfileColumn {
  readonly field: Field;
  readonly limit: ColumnLimit;
  /** Quoted name. */
  readonly name: string;
  /** Place of the field among those of the stage. */
  readonly at: number;
}

const BACKSLASH = 0x5c;
const BLANK = 0x20;
/** What stands behind a backslash for a byte; 0 for one that stands for itself. */
const ESCAPE = new Uint8Array(256);
for (const [byte, letter] of ["\\\\", "\tt", "\nn", "\rr", "\x000", "''"]) {
  ESCAPE[byte!.charCodeAt(0)] = letter!.charCodeAt(0);
}
const utf8 = new TextEncoder();
const HEX = utf8.encode("0123456789abcdef");
/** Bytes from which a chunk is sent. */
const CHUNK = 256 * 1024;

/** The statement that loads these columns from a file. */
export function loadStatement(table: string, columns: readonly InfileColumn[]): string {
  const isConverted = ({ field, limit }: InfileColumn) =>
    field.dtype === "binary" || limit.isBits === true;
  const names = columns.map((column, i) => isConverted(column) ? `@dxt${i}` : column.name);
  const sets = columns.flatMap((column, i) =>
    !isConverted(column)
      ? []
      : column.limit.isBits === true
      ? [`${column.name} = CAST(@dxt${i} AS UNSIGNED)`]
      : [`${column.name} = UNHEX(@dxt${i})`]
  );
  return `LOAD DATA LOCAL INFILE 'dxt' INTO TABLE ${table} CHARACTER SET utf8mb4
    FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n' (${names.join(", ")})${
    sets.length === 0 ? "" : ` SET ${sets.join(", ")}`
  }`;
}

/** How rows are spelled. */
export interface RowSpelling {
  /** Begins each chunk. */
  readonly head: Uint8Array;
  readonly beforeRow: string;
  readonly afterRow: string;
  readonly betweenRows: string;
  readonly betweenValues: string;
  readonly nothing: string;
  /** What stands around a value. */
  quote(field: Field, limit: ColumnLimit): readonly [before: string, after: string];
}

/** Lines of a file; each chunk has room for the header of its frame. */
export const LINES: RowSpelling = {
  head: new Uint8Array(HEADER),
  beforeRow: "",
  afterRow: "\n",
  betweenRows: "",
  betweenValues: "\t",
  nothing: "\\N",
  quote: () => ["", ""],
};

/** Each chunk is a statement of its own. */
export function insertSpelling(table: string, columns: readonly InfileColumn[]): RowSpelling {
  const names = columns.map(({ name }) => name).join(", ");
  return {
    head: utf8.encode(`INSERT INTO ${table} (${names}) VALUES `),
    beforeRow: "(",
    afterRow: ")",
    betweenRows: ",",
    betweenValues: ",",
    nothing: "NULL",
    quote({ dtype }, { checked }) {
      if (dtype === "binary") return ["X'", "'"];
      const isNumber = /int|float|decimal|bool/.test(dtype) && checked?.dtype !== "string";
      return isNumber ? ["", ""] : ["'", "'"];
    },
  };
}

/** Encodes batches as chunks. */
export class InfileEncoder {
  readonly #out = new ByteWriter();
  /** Rows of the batches so far. */
  rows = 0;

  constructor(
    private readonly columns: readonly InfileColumn[],
    private readonly spelling: RowSpelling,
  ) {
    this.#out.bytes(spelling.head);
  }

  /** @throws {ValueError} with field and row, for a value that the column would change */
  *encode(batch: Batch): Generator<Uint8Array, void, void> {
    const out = this.#out;
    const { head, beforeRow, afterRow, betweenRows, betweenValues } = this.spelling;
    const writers = this.columns.map(({ field, limit, at }) =>
      columnWriter(field, limit, batch.data.children[at]!, out, this.spelling)
    );
    const count = batch.numRows;
    for (let row = 0; row < count; row++) {
      if (out.end > head.length) out.ascii(betweenRows);
      out.ascii(beforeRow);
      try {
        for (let i = 0; i < writers.length; i++) {
          if (i > 0) out.ascii(betweenValues);
          writers[i]!(row);
        }
      } catch (error) {
        throw error instanceof ValueError ? error.atRow(this.rows + row + 1) : error;
      }
      out.ascii(afterRow);
      if (out.end >= CHUNK) yield this.#take();
    }
    this.rows += count;
  }

  /** Yields the rest. */
  *finish(): Generator<Uint8Array, void, void> {
    if (this.#out.end > this.spelling.head.length) yield this.#take();
  }

  #take(): Uint8Array {
    const taken = this.#out.take();
    this.#out.bytes(this.spelling.head);
    return taken;
  }
}

function columnWriter(
  field: Field,
  limit: ColumnLimit,
  data: Data,
  out: ByteWriter,
  { quote, nothing }: RowSpelling,
): WriteRow {
  const plain = limitedWriter(field, limit, data, out);
  const [before, after] = quote(field, limit);
  const write: WriteRow = before === "" ? plain : (row) => {
    out.ascii(before);
    plain(row);
    out.ascii(after);
  };
  if (data.nullCount === 0) return write;
  return (row) => isNull(data, row) ? out.ascii(nothing) : write(row);
}

function limitedWriter(field: Field, limit: ColumnLimit, data: Data, out: ByteWriter): WriteRow {
  const write = plainWriter(field, data, out);
  const refuse = (wanted: string, row: number): never => {
    const text = textReader(field, data, "any")(row);
    throw new ValueError(`expected ${wanted}`, field.name, undefined, text);
  };
  const { checked, fractionDigits = 6, bytes, values } = limit;
  if (checked !== undefined) {
    const read = textReader(field, data, "any");
    const column: Field = { name: field.name, nullable: true, ...checked };
    return (row) => out.bytes(escaped(formatValue(parseText(read(row)!, column))));
  }
  if (fractionDigits < 6 && (field.dtype === "time" || field.dtype.startsWith("timestamp"))) {
    const unit = 10n ** BigInt(6 - fractionDigits);
    return (row) => {
      if (data.values[row] % unit === 0n) return write(row);
      refuse(`${fractionDigits} digits of a second at most`, row);
    };
  }
  if (limit.noNegativeZero === true && field.dtype.startsWith("float")) {
    return (row) => {
      if (!Object.is(data.values[row], -0)) return write(row);
      throw new ValueError("expected a number that MariaDB has", field.name, undefined, "-0");
    };
  }
  if (limit.isYear === true) {
    return (row) => {
      const year = Number(data.values[row]);
      if (year !== 0 && (year < 1901 || year > 2155)) refuse("0, or a year of 1901 to 2155", row);
      out.ascii(String(year).padStart(4, "0"));
    };
  }
  if (field.dtype === "bool") {
    const at = data.offset;
    return (row) =>
      out.byte((data.values[(at + row) >> 3] & (1 << ((at + row) & 7))) === 0 ? 0x30 : 0x31);
  }
  if (bytes !== undefined && field.dtype === "binary") {
    const offsets = data.valueOffsets as Int32Array;
    return (row) => {
      if (offsets[row + 1]! - offsets[row]! === bytes) return write(row);
      refuse(`${bytes} bytes`, row);
    };
  }
  if (values !== undefined) {
    const known = new Set(values);
    const read = textReader(field, data, "any");
    return (row) => known.has(read(row)!) ? write(row) : refuse(`one of ${values.join(", ")}`, row);
  }
  if (limit.noClosingBlank === true && field.dtype === "string") {
    const offsets = data.valueOffsets as Int32Array;
    return (row) => {
      const end = offsets[row + 1]!;
      if (end === offsets[row] || data.values[end - 1] !== BLANK) return write(row);
      refuse("a text without a closing blank, a char loses it", row);
    };
  }
  return write;
}

/** Days of the years 1 to 9999: the server has no others. */
const [YEAR_1, YEAR_10000] = [-719_162, 2_932_897];

function plainWriter(field: Field, data: Data, out: ByteWriter): WriteRow {
  switch (field.dtype) {
    case "string":
    case "json":
    case "array":
    case "object":
      return textWriter(data, out);
    case "binary":
      return hexWriter(data, out);
    case "float32":
    case "float64":
      return (row) => {
        const value = data.values[row];
        if (Number.isFinite(value)) return out.ascii(Object.is(value, -0) ? "-0" : String(value));
        throw new ValueError("expected a finite number", field.name, undefined, value);
      };
    case "date":
    case "timestamp":
    case "timestamp_tz": {
      // Without a zone: the session is in UTC.
      const dtype = field.dtype === "date" ? "date" : "timestamp";
      const write = timeWriter({ ...field, dtype }, data, out)!;
      const [first, end] = dtype === "date"
        ? [YEAR_1, YEAR_10000]
        : [BigInt(YEAR_1) * DAY_MICROS, BigInt(YEAR_10000) * DAY_MICROS];
      return (row) => {
        const value = data.values[row];
        if (value >= first && value < end) return write(row);
        const text = textReader(field, data, "any")(row);
        throw new ValueError("expected a year of 1 to 9999", field.name, undefined, text);
      };
    }
    case "time":
      return timeWriter(field, data, out)!;
    default:
      return numberWriter(field, data, out)!;
  }
}

function escaped(text: string): Uint8Array {
  return utf8.encode(
    text.replace(/[\\\t\n\r\0']/g, (c) => `\\${String.fromCharCode(ESCAPE[c.charCodeAt(0)]!)}`),
  );
}

function textWriter(data: Data, out: ByteWriter): WriteRow {
  const bytes = data.values as Uint8Array;
  const offsets = data.valueOffsets as Int32Array;
  const all = bytes.subarray(offsets[0], offsets[data.length]);
  const isPlain = ESCAPE.every((letter, byte) => letter === 0 || !all.includes(byte));
  if (isPlain) return (row) => out.bytes(bytes, offsets[row]!, offsets[row + 1]!);
  return (row) => {
    const [from, to] = [offsets[row]!, offsets[row + 1]!];
    const room = out.room((to - from) * 2);
    let { end } = out;
    for (let i = from; i < to; i++) {
      const byte = bytes[i]!;
      const letter = ESCAPE[byte]!;
      if (letter !== 0) room[end++] = BACKSLASH;
      room[end++] = letter === 0 ? byte : letter;
    }
    out.end = end;
  };
}

function hexWriter(data: Data, out: ByteWriter): WriteRow {
  const bytes = data.values as Uint8Array;
  const offsets = data.valueOffsets as Int32Array;
  return (row) => {
    const [from, to] = [offsets[row]!, offsets[row + 1]!];
    const room = out.room((to - from) * 2);
    let { end } = out;
    for (let i = from; i < to; i++) {
      room[end++] = HEX[bytes[i]! >> 4]!;
      room[end++] = HEX[bytes[i]! & 15]!;
    }
    out.end = end;
  };
}
