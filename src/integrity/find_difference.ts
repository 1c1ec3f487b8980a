/** Finds a row that differs between a stage and its target, in memory that does not grow with the rows. */
import { hashRows, valueReaders } from "../arrow/mod.ts";
import type { Batch } from "../core/contracts/batch.ts";
import type { StagedData } from "../core/contracts/buffer.ts";
import type { LoadedRows } from "../core/contracts/loader.ts";
import { formatValue } from "../core/values/values.ts";
import type { Field } from "../models/field.ts";

/** Rows are divided by the hash of their key; one part at a time is held in memory. */
const PARTS = 4096;

type Batches = () => AsyncGenerator<Batch, unknown, void>;

/**
 * Describes the first difference that is found, by the key of its row: which side lacks the row, or that its
 * values differ. Undefined without keys.
 *
 * @param fields those that are compared
 */
export async function findDifference(
  staged: Pick<StagedData, "fields" | "scanBatches">,
  rows: Pick<LoadedRows, "read">,
  fields: readonly Field[],
  keys: readonly string[],
): Promise<string | undefined> {
  const names = keys.length > 0
    ? keys
    : staged.fields.filter(({ key }) => key === true).map(({ name }) => name);
  const isCompared = (name: string) => fields.some((field) => field.name === name);
  if (names.length === 0 || !names.every(isCompared)) return undefined;
  const before = new Side(() => staged.scanBatches(), staged.fields, fields, names);
  const after = new Side(() => rows.read(fields), fields, fields, names);
  const [sumsBefore, sumsAfter] = [await before.sumParts(), await after.sumParts()];
  const part = sumsBefore.findIndex((sum, i) => sum !== sumsAfter[i]);
  if (part < 0) return undefined;
  const [was, is] = [await before.readPart(part), await after.readPart(part)];
  for (const [key, hash] of was) {
    if (!is.has(key)) return `the row with ${key} is missing`;
    if (is.get(key) !== hash) return `the row with ${key} differs`;
  }
  const added = [...is.keys()].find((key) => !was.has(key));
  return added === undefined ? undefined : `the row with ${added} is not in the stage`;
}

/** The stage or the target: its rows, divided by their keys. */
class Side {
  readonly #compared: readonly number[];
  readonly #keys: readonly number[];
  readonly #keyFields: readonly Field[];

  /** @param own fields of the batches */
  constructor(
    private readonly batches: Batches,
    own: readonly Field[],
    private readonly fields: readonly Field[],
    keys: readonly string[],
  ) {
    const indexOf = (name: string) => own.findIndex((field) => field.name === name);
    this.#compared = fields.map(({ name }) => indexOf(name));
    this.#keys = keys.map(indexOf);
    this.#keyFields = this.#keys.map((i) => own[i]!);
  }

  /** Sums of the hashes of the rows of each part. */
  async sumParts(): Promise<BigUint64Array> {
    const sums = new BigUint64Array(PARTS);
    for await (const batch of this.batches()) {
      const { hashes, parts } = this.#hash(batch);
      for (let row = 0; row < batch.numRows; row++) sums[parts[row]!]! += hashes[row]!;
    }
    return sums;
  }

  /** Hashes of the rows of a part, by their keys in words; those of rows with the same key are added. */
  async readPart(part: number): Promise<Map<string, bigint>> {
    const found = new Map<string, bigint>();
    for await (const batch of this.batches()) {
      const { hashes, parts } = this.#hash(batch);
      const keys = pickColumns(batch, this.#keys);
      const readers = valueReaders(
        { data: { children: keys } } as unknown as Batch,
        this.#keyFields,
      );
      for (let row = 0; row < batch.numRows; row++) {
        if (parts[row] !== part) continue;
        const key = this.#keyFields.map(({ name }, i) => {
          const value = readers[i]!(row);
          return `${name} ${value === null ? "NULL" : `"${formatValue(value)}"`}`;
        }).join(", ");
        found.set(key, (found.get(key) ?? 0n) + hashes[row]!);
      }
    }
    return found;
  }

  #hash(batch: Batch) {
    const hashes = hashRows(this.fields, pickColumns(batch, this.#compared), batch.numRows);
    const keys = hashRows(this.#keyFields, pickColumns(batch, this.#keys), batch.numRows);
    return { hashes, parts: Uint16Array.from(keys, (hash) => Number(hash % BigInt(PARTS))) };
  }
}

function pickColumns({ data: { children } }: Batch, indexes: readonly number[]) {
  return indexes.map((i) => children[i]!);
}
