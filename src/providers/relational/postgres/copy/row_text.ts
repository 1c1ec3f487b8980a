/** The values of a row of COPY's binary format as text, also of a row that columns cannot hold. */
import { type Column, createColumn, valueReader } from "../../../../arrow/mod.ts";
import { ValueError } from "../../../../core/errors.ts";
import { describeValue } from "../../../../core/values/js_values.ts";
import { formatValue } from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";
import type { MessageBuffer } from "../wire/message_buffer.ts";
import type { ColumnDecoder, Decode } from "./column_decoders.ts";

interface TextColumn {
  readonly field: Field;
  readonly column: Column;
  readonly decode: Decode;
}

export class RowText {
  /** Made for the first row: there is none as a rule. */
  #columns: readonly TextColumn[] | undefined;

  constructor(
    private readonly fields: readonly Field[],
    private readonly readings: readonly ColumnDecoder[],
  ) {}

  /** Reads the row that begins at `from`, by the names of its fields; NULL is null. */
  read(input: MessageBuffer, from: number): Record<string, string | null> {
    this.#columns ??= this.fields.map((field, i) => {
      const column = createColumn(field);
      return { field, column, decode: this.readings[i]!.decoder(field, column) };
    });
    // The number of its columns comes first.
    let at = from + 2;
    return Object.fromEntries(this.#columns.map((column) => {
      const size = input.view.getInt32(at);
      at += 4;
      const text = size < 0 ? null : readText(column, input, at, size);
      at += Math.max(size, 0);
      return [column.field.name, text];
    }));
  }
}

function readText(
  { field, column, decode }: TextColumn,
  input: MessageBuffer,
  at: number,
  size: number,
): string | null {
  try {
    decode(input, at, size);
    const value = valueReader(field, column.take())(0);
    return value === null ? null : formatValue(value, field.dtype);
  } catch (error) {
    column.discard(0);
    if (error instanceof ValueError) return describeValue(error.value);
    throw error;
  }
}
