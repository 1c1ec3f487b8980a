/** Ranges of a file of lines. */
import type { FileInput, FileRange } from "../format.ts";

const LINE_END = 0x0a;
const BLOCK = 1024 * 1024;

/** At most `most` ranges of about the same size, each of whole lines. */
export async function lineRanges(input: FileInput, most: number): Promise<FileRange[]> {
  const ranges: FileRange[] = [];
  let start = 0;
  for (let part = 1; part <= most && start < input.size; part++) {
    const about = Math.floor((input.size / most) * part);
    const end = part === most ? input.size : await afterLine(input, Math.max(about, start));
    ranges.push({ start, end });
    start = end;
  }
  return ranges;
}

/** Where the line that an offset is in ends, or the file. */
async function afterLine(input: FileInput, offset: number): Promise<number> {
  for (let at = offset; at < input.size; at += BLOCK) {
    const found = (await input.read(at, Math.min(at + BLOCK, input.size))).indexOf(LINE_END);
    if (found >= 0) return at + found + 1;
  }
  return input.size;
}

/** The bytes of a range, block by block. */
export async function* rangeBytes(
  input: FileInput,
  { start, end }: FileRange,
): AsyncGenerator<Uint8Array, void, void> {
  for (let at = start; at < end; at += BLOCK) {
    yield await input.read(at, Math.min(at + BLOCK, end));
  }
}
