/** A stage that is loaded while it is still written. */
import { recordsOf } from "../../arrow/mod.ts";
import { openSlice } from "../../buffers/mod.ts";
import type { StagedData, StageDetails, StageSlice } from "../../core/buffer.ts";
import type { Field } from "../../models/field.ts";
import type { Feed } from "../feed.ts";

/** Staged data that is read as its slices come, and ends when the stage is committed. */
export function growing(
  feed: Feed<StageSlice>,
  fields: readonly Field[],
  details: StageDetails,
): StagedData {
  const readBatches = async function* (recycle?: boolean) {
    for (let slice = await feed.next(); slice !== undefined; slice = await feed.next()) {
      yield* (await openSlice(slice)).readBatches(recycle);
    }
  };
  return {
    kind: "records",
    fields,
    details,
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
    async *readRecords() {
      for await (const batch of readBatches()) yield* recordsOf(batch);
    },
    readFile: (...range) => feed.staged.readFile(...range),
    slice: (files) => feed.staged.slice(files),
    openFile: (name) => feed.staged.openFile(name),
  };
}
