/** Records of CSV → batches. */
import { arrowSchema, batchOf, columnFor } from "../../arrow/mod.ts";
import type { Batch } from "../../core/batch.ts";
import { SchemaError, show, ValueError } from "../../core/errors.ts";
import type { Projection } from "../../core/extractor.ts";
import { nearest } from "../../core/nearest.ts";
import type { Field } from "../../models/field.ts";
import type { ReadRequest } from "../format.ts";
import { TextTypeGuess } from "../infer.ts";
import type { Dialect } from "./dialect.ts";
import { type PushText, textPusher } from "./push.ts";
import { ESCAPED, PLAIN, Tokenizer } from "./tokenizer.ts";

/** Bytes of text after which the columns' sizes are summed: it costs a walk over them. */
const SUM_EVERY = 16_384;

/** Finds records that hold something: a blank line is a record only where a record has one field. */
class Records {
  readonly tokens: Tokenizer;
  /** Names of the fields; undefined for a file with nothing in it. */
  names: readonly string[] | undefined;
  /** The record found last, from 1. */
  row = 0;
  /** Blank lines at the start of a file without header, where they are records. */
  #blanks = 0;
  /** What the first line of a file without header holds, once more. */
  #first: Int32Array | undefined;

  constructor(
    name: string,
    bytes: AsyncIterable<Uint8Array>,
    private readonly dialect: Dialect,
  ) {
    this.tokens = new Tokenizer(name, bytes, dialect);
  }

  /** Finds the header, or what stands for it. */
  async start(): Promise<void> {
    const { tokens, dialect } = this;
    let blanks = 0;
    do {
      while (tokens.next()) {
        if (tokens.blank) {
          blanks++;
          continue;
        }
        if (dialect.header) {
          this.names = headerOf(tokens);
        } else {
          this.names = numbered(tokens.count);
          this.#first = tokens.fields.slice(0, tokens.count * 3);
          if (tokens.count === 1) this.#blanks = blanks;
        }
        return;
      }
    } while (await tokens.fill());
    if (dialect.header || blanks === 0) return;
    this.names = numbered(1);
    this.#blanks = blanks;
  }

  /** The next record that is whole in memory. */
  next(): boolean {
    const { tokens } = this;
    if (this.#startsWithRecord()) {
      this.row++;
      return true;
    }
    const count = this.names?.length ?? 0;
    while (tokens.next()) {
      if (count > 1 && tokens.blank) continue;
      tokens.expect(count);
      this.row++;
      return true;
    }
    return false;
  }

  #startsWithRecord(): boolean {
    if (this.#blanks > 0) {
      this.#blanks--;
      this.tokens.fields.set([0, 0, PLAIN]);
      return true;
    }
    if (this.#first === undefined) return false;
    this.tokens.fields.set(this.#first);
    this.#first = undefined;
    return true;
  }
}

function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `column_${i + 1}`);
}

function headerOf(tokens: Tokenizer): string[] {
  const names = Array.from({ length: tokens.count }, (_, i) => tokens.text(i));
  names.forEach((name, i) => {
    const wrong = name === ""
      ? "has no name"
      : names.indexOf(name) < i
      ? `has the name of field ${names.indexOf(name) + 1}, ${show(name)}`
      : undefined;
    if (wrong === undefined) return;
    throw tokens.wrong(`field ${i + 1} ${wrong}`);
  });
  return names;
}

/** Fields that the first records tell. */
export async function inferFields(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  dialect: Dialect,
  most: number,
): Promise<Field[]> {
  const records = new Records(name, bytes, dialect);
  const { tokens } = records;
  try {
    await records.start();
    const names = records.names ?? [];
    const guesses = names.map(() => new TextTypeGuess());
    const isNull = nullTest(tokens, dialect);
    do {
      while (records.row < most && records.next()) {
        guesses.forEach((guess, i) => {
          if (!isNull(i)) guess.see(tokens.text(i));
        });
      }
    } while (records.row < most && await tokens.fill());
    return names.map((name, i) => guesses[i]!.field(name));
  } finally {
    await tokens.close();
  }
}

/** Whether a field of the record is NULL. */
function nullTest(tokens: Tokenizer, { nullValue }: Dialect): (field: number) => boolean {
  const { length } = nullValue;
  return (field) => {
    const at = field * 3;
    const from = tokens.fields[at]!;
    if (tokens.fields[at + 2] !== PLAIN || tokens.fields[at + 1]! - from !== length) return false;
    for (let i = 0; i < length; i++) if (tokens.bytes[from + i] !== nullValue[i]) return false;
    return true;
  };
}

/** All records as batches. */
export async function* readBatches(
  name: string,
  bytes: AsyncIterable<Uint8Array>,
  dialect: Dialect,
  request: ReadRequest,
): AsyncGenerator<Batch, void, void> {
  const records = new Records(name, bytes, dialect);
  const { tokens } = records;
  const { projections, batchRows, batchBytes } = request;
  const fields = projections.map(({ field }) => field);
  const schema = arrowSchema(fields);
  const columns = fields.map(columnFor);
  try {
    await records.start();
    // An empty file without header has no records; with one it is cut.
    if (records.names === undefined && !dialect.header) return;
    const names = records.names ?? [];
    const indexes = columnIndexes(name, names, projections);
    const cells = cellsOf(fields, indexes, columns, nullTest(tokens, dialect));
    const sumEvery = Math.min(SUM_EVERY, batchBytes);
    let rows = 0;
    let unsummed = 0;
    do {
      while (records.next()) {
        pushRecord(cells, records);
        rows++;
        unsummed += tokens.size;
        if (rows < batchRows) {
          if (unsummed < sumEvery) continue;
          unsummed = 0;
          if (columns.reduce((sum, { byteLength }) => sum + byteLength, 0) < batchBytes) continue;
        }
        rows = unsummed = 0;
        yield batchOf(schema, columns);
      }
    } while (await tokens.fill());
    if (rows > 0) yield batchOf(schema, columns);
  } finally {
    await tokens.close();
  }
}

interface Cell {
  readonly field: Field;
  readonly index: number;
  readonly isNull: (field: number) => boolean;
  readonly push: PushText;
  pushNull(): void;
}

/** @throws {SchemaError} when the file does not have a column */
function columnIndexes(
  file: string,
  names: readonly string[],
  projections: readonly Projection[],
): number[] {
  return projections.map(({ field, column, expression }) => {
    if (expression !== undefined) {
      throw new SchemaError(
        `Cannot read field "${field.name}" from CSV: it has expression "${expression}", expected a column`,
      );
    }
    const wanted = column ?? field.name;
    const index = names.indexOf(wanted);
    if (index >= 0) return index;
    const has = names.length === 0
      ? "the file is empty, expected a header"
      : `the file does not have it${nearest(wanted, names)}; it has ${
        names.map((name) => `"${name}"`).join(", ")
      }`;
    throw new SchemaError(`Cannot read column "${wanted}" of "${file}": ${has}`);
  });
}

function cellsOf(
  fields: readonly Field[],
  indexes: readonly number[],
  columns: readonly ReturnType<typeof columnFor>[],
  isNull: (field: number) => boolean,
): Cell[] {
  return fields.map((field, i) => {
    const column = columns[i]!;
    return {
      field,
      index: indexes[i]!,
      isNull,
      push: textPusher(field, column),
      pushNull: () => column.pushNull(),
    };
  });
}

function pushRecord(cells: readonly Cell[], { tokens, row }: Records): void {
  for (const cell of cells) {
    const at = cell.index * 3;
    try {
      if (cell.isNull(cell.index)) pushNull(cell);
      else if (tokens.fields[at + 2] === ESCAPED) {
        const content = tokens.content(cell.index);
        cell.push(content, 0, content.length);
      } else cell.push(tokens.bytes, tokens.fields[at]!, tokens.fields[at + 1]!);
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(row) : error;
    }
  }
}

function pushNull({ field, pushNull }: Cell): void {
  if (field.nullable) return pushNull();
  throw new ValueError("expected a value, the field is not nullable", field.name, undefined, null);
}
