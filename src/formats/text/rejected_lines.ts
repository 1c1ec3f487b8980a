/** Rejects records of text files, with the lines that they have in the whole file. */
import { CARRIAGE_RETURN, LINE_FEED } from "../../core/values/ascii.ts";
import { type ValidationError, ValueError } from "../../core/errors.ts";
import type { RejectedRecord } from "../../core/contracts/extractor.ts";
import type { FileInput, ReadRequest } from "../format.ts";

const BLOCK = 1024 * 1024;
/** Bytes of a record's text that its dead letter has at most. */
const MOST_TEXT = 4096;

const utf8 = new TextDecoder();

/** A record that cannot be read; row and line count from the start of the range that is read. */
interface Fault extends RejectedRecord {
  readonly error: ValidationError;
}

/**
 * Collects the faults that synchronous parsing finds, until `report` is awaited. Without `rejections` in the request
 * it takes none.
 */
export class RejectedLines {
  #faults: Fault[] = [];
  #linesBefore: number | undefined;

  constructor(
    private readonly input: FileInput,
    private readonly request: Pick<ReadRequest, "range" | "rejections">,
  ) {}

  get takesMalformed(): boolean {
    return this.request.rejections?.takesMalformed === true;
  }

  takesValue(error: ValueError): boolean {
    return this.request.rejections?.takesValue(error) === true;
  }

  hold(error: ValidationError, record: RejectedRecord): void {
    this.#faults.push({ error, ...record });
  }

  /** Rejects the collected records. In a range of a file they have a line of the whole file, but no number. */
  async report(): Promise<void> {
    if (this.#faults.length === 0) return;
    const { input: { name: file }, request: { range, rejections } } = this;
    const isWhole = range === undefined || range.start === 0;
    this.#linesBefore ??= isWhole ? 0 : await countLines(this.input, range.start);
    for (const { error, row, line, ...record } of this.#faults) {
      const place = {
        file,
        row: isWhole ? row : undefined,
        line: line === undefined ? undefined : line + this.#linesBefore,
      };
      if (error instanceof ValueError) rejections!.rejectValue(error, { ...record, ...place });
      else rejections!.rejectMalformed(error.message, { ...record, ...place });
    }
    this.#faults = [];
  }
}

/** The beginning of a record as text, without the end of its last line. */
export function readRecordText(bytes: Uint8Array, start: number, end: number): string {
  const isWhole = end - start <= MOST_TEXT;
  const text = utf8.decode(bytes.subarray(start, isWhole ? end : start + MOST_TEXT));
  return isWhole ? text.replace(/\r?\n$|\r$/, "") : text;
}

/** Counts the lines that end before an offset of a file. */
async function countLines(input: FileInput, end: number): Promise<number> {
  let lines = 0;
  let isReturn = false;
  for (let at = 0; at < end; at += BLOCK) {
    for (const byte of await input.read(at, Math.min(at + BLOCK, end))) {
      if (byte === CARRIAGE_RETURN || (byte === LINE_FEED && !isReturn)) lines++;
      isReturn = byte === CARRIAGE_RETURN;
    }
  }
  return lines;
}
