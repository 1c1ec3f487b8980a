/** A stage as a loader reads it: file by file as they come, reporting how far it has read. */
import { byteLength, readRecords } from "../../../arrow/mod.ts";
import { openSlice } from "../../../buffers/mod.ts";
import type { StagedData, StageSlice } from "../../../core/contracts/buffer.ts";
import { yieldToEventLoop } from "../../../core/event_loop.ts";
import { countReleased } from "../../../sandbox/garbage.ts";
import type { StagedFileQueue } from "../staged_file_queue.ts";
import { ProgressThrottle } from "./progress_throttle.ts";

/** What watches a loader. */
export interface ReadWatch {
  readonly signal: AbortSignal;
  /** Called now and then with the rows read since; 0 where only bytes were read. */
  onRows(rows: number): void;
}

/**
 * Staged data that is read as the slices of `feed` come. It ends when the stage is committed: until then
 * its count, files and evidence throw.
 *
 * @param known a slice of the stage, for what does not depend on the files
 */
export function streamingStage(
  feed: StagedFileQueue<StageSlice>,
  { kind, fields, details, format, compression }: StagedData,
  { signal, onRows }: ReadWatch,
): StagedData {
  const slices = async function* () {
    for (let slice = await feed.next(); slice !== undefined; slice = await feed.next()) {
      yield await openSlice(slice);
    }
  };
  const pause = async () => {
    await yieldToEventLoop();
    signal.throwIfAborted();
  };
  const throttleRows = () => new ProgressThrottle(({ rows }) => onRows(rows));
  // Rows are counted where files and batches are read.
  const bytesRead = new ProgressThrottle(() => onRows(0));
  const readBatches = async function* (recycle?: boolean) {
    using throttle = throttleRows();
    for await (const staged of slices()) {
      for await (const batch of staged.readBatches(recycle)) {
        await pause();
        yield batch;
        const bytes = byteLength(batch);
        countReleased(bytes);
        throttle.add(batch.numRows, bytes);
      }
    }
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
      using throttle = throttleRows();
      for await (const staged of slices()) {
        for (const file of staged.files) {
          closed.set(file.name, staged);
          await pause();
          yield file;
          throttle.add(file.rows, file.size);
        }
      }
    },
    whole: () => feed.whole(),
    async readFile(name, ...range) {
      const bytes = await withFile(name).readFile(name, ...range);
      bytesRead.add(0, bytes.length);
      return bytes;
    },
    async openFile(name) {
      const bytes = await withFile(name).openFile(name);
      return bytes.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            bytesRead.add(0, chunk.length);
            controller.enqueue(chunk);
          },
        }),
      );
    },
    slice: (files) => feed.staged.slice(files),
  };
}
