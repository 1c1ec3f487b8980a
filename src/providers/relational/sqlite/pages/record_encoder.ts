import { ValueError } from "../../../../core/errors.ts";
import { putVarint, RecordBody } from "./record_body.ts";
import type { WrittenColumn } from "../types/checked_column.ts";
import { type PutValue, valueEncoder } from "./value_encoders.ts";
import type { Holder } from "../types/bind_value.ts";

/** Puts the rows of a batch, one record at a time. */
export class RecordEncoder {
  readonly body = new RecordBody();
  /** The record's header but for its own length. */
  types = new Uint8Array(0);
  typesEnd = 0;
  #put: PutValue[] = [];
  #before = 0;

  /** Goes on with a batch, after `before` rows of the stream. */
  open(columns: readonly WrittenColumn[], holders: readonly Holder[], before: number): void {
    this.#before = before;
    this.#put = columns.map(({ field, data }, i) =>
      valueEncoder(field, data, holders[i]!, this.body)
    );
    if (this.types.length < columns.length * 5) this.types = new Uint8Array(columns.length * 5);
  }

  /** @throws {ValueError} for a value that SQLite would change */
  put(row: number): void {
    const put = this.#put;
    this.body.end = 0;
    let at = 0;
    try {
      for (let i = 0; i < put.length; i++) {
        const type = put[i]!(row);
        if (type < 128) this.types[at++] = type;
        else at = putVarint(this.types, at, type);
      }
    } catch (error) {
      throw error instanceof ValueError ? error.atRow(this.#before + row + 1) : error;
    }
    this.typesEnd = at;
  }
}
