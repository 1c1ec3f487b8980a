/** Hashes of rows: one of the key that identifies a row, and one of all compared values. */
import { hashRows } from "../../arrow/mod.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import type { Field } from "../../models/field.ts";
import type { RowHashes } from "./bucket_sums.ts";

/** Hashes the rows of batches; the columns of a batch are found by the names of their fields. */
export class RowHasher {
  readonly #compared: readonly number[];
  readonly #keys: readonly number[];

  /**
   * @param own fields of the batches
   * @param compared names of the fields whose values are compared; both sides have them in the same order
   * @param keys names of the fields that identify a row
   */
  constructor(
    private readonly own: readonly Field[],
    compared: readonly string[],
    keys: readonly string[],
  ) {
    const find = (name: string) => own.findIndex((field) => field.name === name);
    this.#compared = compared.map(find);
    this.#keys = keys.map(find);
  }

  hash(batch: Batch): RowHashes {
    return { keys: this.hashKeys(batch), values: this.#hash(batch, this.#compared) };
  }

  hashKeys(batch: Batch): Uint32Array {
    return this.#hash(batch, this.#keys);
  }

  #hash({ data: { children }, numRows }: Batch, indexes: readonly number[]): Uint32Array {
    const fields = indexes.map((i) => this.own[i]!);
    return new Uint32Array(hashRows(fields, indexes.map((i) => children[i]!), numRows).buffer);
  }
}
