/** Staged data made of records, for loaders. */
import { buildBatches, readRecords, Summarizer } from "../../src/arrow/mod.ts";
import type { Batch } from "../../src/core/contracts/batch.ts";
import type {
  StagedData,
  StagedFile,
  StagedFiles,
  StageHeader,
} from "../../src/core/contracts/buffer.ts";
import type { DXTRecord } from "../../src/core/values/values.ts";
import type { Field } from "../../src/models/field.ts";

export interface StagedOptions {
  /** Most records in a batch; 1000. */
  readonly batchRows?: number;
  /** Reading throws {@linkcode HalfWay} after this many batches. */
  readonly failAfter?: number;
  /** Called before each batch, with its number from 0. */
  readonly beforeBatch?: (index: number) => void | Promise<void>;
  /** The count that the stage declares; that of the records. */
  readonly count?: number;
  /** The records whose summary the stage declares; its own. */
  readonly summarized?: readonly DXTRecord[];
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
  const { batchRows = 1000, failAfter, beforeBatch, count = records.length } = options;
  const { summarized = records } = options;
  async function* readBatches() {
    let index = 0;
    for await (const batch of buildBatches(fields, records, { rows: batchRows, bytes: 1 << 24 })) {
      await beforeBatch?.(index);
      if (index === failAfter) throw new HalfWay();
      yield batch;
      index++;
    }
    if (failAfter !== undefined) throw new HalfWay();
  }
  const staged = stagedBatches({ fields }, readBatches, count);
  return {
    ...staged,
    async committed() {
      const summarizer = new Summarizer(fields);
      const bounds = { rows: batchRows, bytes: 1 << 24 };
      for await (const batch of buildBatches(fields, summarized, bounds)) summarizer.add(batch);
      return { ...await staged.committed(), summary: summarizer.summarize() };
    },
  };
}

/** A committed stage that yields these batches, whose files cannot be read. */
export function stagedBatches(
  header: Partial<StageHeader> & Pick<StageHeader, "fields">,
  readBatches: () => AsyncGenerator<Batch, void, void>,
  count: number,
  files: readonly StagedFile[] = [],
): StagedData {
  return {
    kind: "records",
    details: { pipeline: "conformance", stream: "records", run_id: "1", source: "records" },
    ...header,
    readBatches,
    scanBatches: readBatches,
    async *readRecords() {
      for await (const batch of readBatches()) yield* readRecords(batch);
    },
    async *closedFiles() {
      yield* files;
    },
    readFile: () => Promise.reject(new Error("no files")),
    openFile: () => Promise.reject(new Error("no files")),
    committed: () => Promise.resolve({ count, files, evidence: `${count} records` }),
  };
}

/** The records of staged files. */
export async function recordsOf(staged: StagedFiles | undefined): Promise<DXTRecord[]> {
  const records: DXTRecord[] = [];
  for await (const batch of staged!.readBatches()) records.push(...readRecords(batch));
  return records;
}
