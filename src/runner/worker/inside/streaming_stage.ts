/** A stage that is loaded while it is still written. */
import { readRecords } from "../../../arrow/mod.ts";
import { openSlice } from "../../../buffers/mod.ts";
import type { StagedData, StageSlice } from "../../../core/contracts/buffer.ts";
import type { StagedFileQueue } from "../../load/staged_file_queue.ts";

/**
 * Staged data that is read as its slices come, and ends when the stage is committed.
 *
 * @param known a slice of the stage, which tells what does not depend on the files
 */
export function streamingStage(
  feed: StagedFileQueue<StageSlice>,
  { kind, fields, details, format, compression }: StagedData,
): StagedData {
  const slices = async function* () {
    for (let slice = await feed.next(); slice !== undefined; slice = await feed.next()) {
      yield await openSlice(slice);
    }
  };
  const readBatches = async function* (recycle?: boolean) {
    for await (const staged of slices()) yield* staged.readBatches(recycle);
  };
  const closed = new Map<string, StagedData>();
  const withFile = (name: string) => closed.get(name) ?? feed.staged;
  return {
    kind,
    fields,
    details,
    format,
    compression,
    get count() {
      return feed.staged.count;
    },
    get files() {
      return feed.staged.files;
    },
    get evidence() {
      return feed.staged.evidence;
    },
    readBatches,
    async *scanBatches() {
      await feed.whole();
      yield* feed.staged.scanBatches();
    },
    async *readRecords() {
      for await (const batch of readBatches()) yield* readRecords(batch);
    },
    async *closedFiles() {
      for await (const staged of slices()) {
        for (const file of staged.files) {
          closed.set(file.name, staged);
          yield file;
        }
      }
    },
    whole: () => feed.whole(),
    readFile: (name, ...range) => Promise.try(() => withFile(name).readFile(name, ...range)),
    openFile: (name) => Promise.try(() => withFile(name).openFile(name)),
    slice: (files) => feed.staged.slice(files),
  };
}
