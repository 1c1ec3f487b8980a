/** Staged data made of records, for loaders. */
import { buildBatches, readRecords } from "../../src/arrow/mod.ts";
import { committedStage, type StagedData } from "../../src/core/contracts/buffer.ts";
import type { DXTRecord } from "../../src/core/values/values.ts";
import type { Field } from "../../src/models/field.ts";

export interface StagedOptions {
  /** Most records in a batch; 1000. */
  readonly batchRows?: number;
  /** Reading throws {@linkcode HalfWay} after this many batches. */
  readonly failAfter?: number;
  /** Called before each batch, with its number from 0. */
  readonly beforeBatch?: (index: number) => void | Promise<void>;
}

/** What reading a stage throws that was told to fail. */
export class HalfWay extends Error {
  constructor() {
    super("the stage broke half-way");
  }
}

/** A committed stage that holds the records. */
export function stagedOf(
  fields: readonly Field[],
  records: readonly DXTRecord[],
  options: StagedOptions = {},
): StagedData {
  async function* readBatches() {
    const bounds = { rows: options.batchRows ?? 1000, bytes: 1 << 24 };
    let index = 0;
    for await (const batch of buildBatches(fields, records, bounds)) {
      await options.beforeBatch?.(index);
      if (index === options.failAfter) throw new HalfWay();
      yield batch;
      index++;
    }
    if (options.failAfter !== undefined) throw new HalfWay();
  }
  return {
    kind: "records",
    fields,
    count: records.length,
    files: [{ name: "part-00000", rows: records.length, size: 1, sha256: "0".repeat(64) }],
    details: { pipeline: "conformance", stream: "records", run_id: "1", source: "records" },
    evidence: `${records.length} records`,
    readBatches,
    scanBatches: readBatches,
    async *readRecords() {
      for await (const batch of readBatches()) yield* readRecords(batch);
    },
    slice: () => ({}),
    readFile: () => Promise.reject(new Error("no files")),
    openFile: () => Promise.reject(new Error("records have no files")),
    ...committedStage([]),
  };
}
