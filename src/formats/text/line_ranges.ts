/** Splits files of lines into ranges. */
import { LINE_FEED } from "../../core/values/ascii.ts";
import type { FileInput, FileRange } from "../format.ts";

const BLOCK = 1024 * 1024;

/** Splits a file into at most `maxRanges` ranges of about equal size, each of whole lines. */
export async function splitLines(input: FileInput, maxRanges: number): Promise<FileRange[]> {
  const ranges: FileRange[] = [];
  let start = 0;
  for (let range = 1; range <= maxRanges && start < input.size; range++) {
    const estimate = Math.floor((input.size / maxRanges) * range);
    const end = range === maxRanges
      ? input.size
      : await findLineEnd(input, Math.max(estimate, start));
    ranges.push({ start, end });
    start = end;
  }
  return ranges;
}

/** Returns the end of the line that contains the offset, or of the file. */
async function findLineEnd(input: FileInput, offset: number): Promise<number> {
  for (let at = offset; at < input.size; at += BLOCK) {
    const lineFeed = (await input.read(at, Math.min(at + BLOCK, input.size))).indexOf(LINE_FEED);
    if (lineFeed >= 0) return at + lineFeed + 1;
  }
  return input.size;
}

/** Reads the bytes of a range block by block. */
export async function* readRangeBytes(
  input: FileInput,
  { start, end }: FileRange,
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = start; at < end; at += BLOCK) {
    yield await input.read(at, Math.min(at + BLOCK, end));
  }
}
