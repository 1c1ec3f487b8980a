/**
 * Reads ranges of a CSV file independently. Only the whole text before a line end shows whether
 * that is inside quotes, so the start of a range is a guess, which the range before verifies: it
 * must end exactly there. If it does not, the guessed range is read again from the real end, and
 * its result is discarded, errors included.
 */
import { CARRIAGE_RETURN, LINE_FEED } from "../../core/values/ascii.ts";
import type { Batch } from "../../core/contracts/batch.ts";
import type { FormatOptions } from "../../models/format.ts";
import { checkUTF8 } from "../text/encoding.ts";
import type { FileInput, ReadRequest } from "../format.ts";
import { type Dialect, resolveDialect } from "./dialect.ts";
import { convertRecords } from "./read.ts";
import { type Position, Records } from "./records.ts";
import { Tokenizer } from "./tokenizer.ts";

/** Position of the first record of a file. */
export const START: Position = { offset: 0, rows: 0, lines: 0 };

/** Bytes to examine when looking for the start of a range. */
const SAMPLE = 262_144;
/** First and largest read size: a header is short, but each request has a cost. */
const FIRST_BLOCK = 65_536;
const LARGEST_BLOCK = 1_048_576;
/** Line ends to try as the start of a range. */
const MAX_TRIES = 256;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

type Delimited = Pick<ReadRequest, "compression" | "options">;

/** Whether offsets of the file are offsets of its text, so that it can be read in ranges. */
export function isDivisible({ compression, options }: Delimited): boolean {
  return compression === "none" && (options.encoding ?? "utf-8") === "utf-8";
}

/** Guesses the starts of up to `ranges` ranges of about equal size, except the first start. */
export async function splitPoints(
  input: FileInput,
  delimiter: string,
  options: FormatOptions,
  ranges: number,
): Promise<number[]> {
  const dialect = resolveDialect(options, delimiter);
  const points: number[] = [];
  const width = (await readHeader(input, dialect)).names?.length ?? 0;
  if (width === 0) return points;
  for (let range = 1; range < ranges; range++) {
    const target = Math.floor(input.size / ranges * range);
    const point = await guessStart(input, dialect, width, target);
    if (point !== undefined && point > (points.at(-1) ?? 0)) points.push(point);
  }
  return points;
}

/**
 * Reads the records that begin from one offset up to another. `from` is the position of a record or
 * of the file's start; errors count rows and lines from there.
 *
 * @returns the position of the first record behind the range
 * @throws {ValidationError} as the file's reader does; meaningless when `from` was guessed wrong
 */
export async function* readRange(
  input: FileInput,
  delimiter: string,
  request: ReadRequest,
  from: Position,
  end: number,
): AsyncGenerator<Batch, Position, void> {
  const dialect = resolveDialect(request.options, delimiter);
  if (from.offset >= end && from.offset > 0) return from;
  if (from.offset === 0) {
    const records = await openRecords(input, dialect, end);
    try {
      await records.start();
      if (records.names !== undefined) {
        yield* convertRecords(input, records, dialect, request, end);
      }
      return records.position;
    } finally {
      await records.tokens.close();
    }
  }
  const { names } = await readHeader(input, dialect);
  const records = new Records(
    input.name,
    checkUTF8(readBlocks(input, from.offset, end), from.offset),
    dialect,
  );
  try {
    records.resume(names ?? [], from);
    yield* convertRecords(input, records, dialect, request, end);
    return records.position;
  } finally {
    await records.tokens.close();
  }
}

/** Opens the file behind its byte order mark. */
async function openRecords(input: FileInput, dialect: Dialect, end?: number): Promise<Records> {
  const first = await input.read(0, Math.min(input.size, BYTE_ORDER_MARK.length));
  const hasMark = first.length === BYTE_ORDER_MARK.length &&
    first.every((byte, i) => byte === BYTE_ORDER_MARK[i]);
  const start = hasMark ? BYTE_ORDER_MARK.length : 0;
  const records = new Records(input.name, checkUTF8(readBlocks(input, start, end), start), dialect);
  records.tokens.begin(start, 0);
  return records;
}

async function readHeader(input: FileInput, dialect: Dialect): Promise<Records> {
  const records = await openRecords(input, dialect);
  try {
    await records.start();
  } finally {
    await records.tokens.close();
  }
  return records;
}

/** Yields blocks from `start`, each valid until the next; behind `end` they are small. */
async function* readBlocks(input: FileInput, start: number, end = input.size) {
  let size = FIRST_BLOCK;
  let memory = new Uint8Array(size);
  for (let at = start, next = 0; at < input.size; at = next) {
    next = Math.min(at < end ? Math.min(at + size, end) : at + FIRST_BLOCK, input.size);
    if (memory.length < next - at) memory = new Uint8Array(size);
    yield await input.read(at, next, memory);
    size = Math.min(size * 2, LARGEST_BLOCK);
  }
}

/** Finds the first line behind an offset from which the text looks like records. */
async function guessStart(
  input: FileInput,
  dialect: Dialect,
  width: number,
  target: number,
): Promise<number | undefined> {
  const bytes = await input.read(target, Math.min(input.size, target + SAMPLE));
  let tries = 0;
  for (let at = 0; at < bytes.length && tries < MAX_TRIES; at++) {
    const isLineEnd = bytes[at] === LINE_FEED ||
      (bytes[at] === CARRIAGE_RETURN && bytes[at + 1] !== LINE_FEED);
    if (!isLineEnd) continue;
    tries++;
    const text = bytes.subarray(at + 1);
    if (text.length > 0 && await looksLikeRecords(text, dialect, width)) return target + at + 1;
  }
  return undefined;
}

/** Whether all records have the width, and no unquoted field ends with a quote. */
async function looksLikeRecords(
  text: Uint8Array,
  dialect: Dialect,
  width: number,
): Promise<boolean> {
  const tokens = new Tokenizer("", yieldSample(text), dialect);
  tokens.width = width;
  await tokens.fill();
  let records = 0;
  try {
    for (let found; (found = tokens.scan(SCAN_RECORDS, Infinity)) > 0; records += found) {
      const { bytes, spans } = tokens;
      for (let at = 0; at < found * width * 2; at += 2) {
        const [from, to] = [spans[at]!, spans[at + 1]!];
        const isPlain = to > from && bytes[from - 1] !== dialect.quote;
        if (isPlain && bytes[to - 1] === dialect.quote) return false;
      }
    }
  } catch {
    return false;
  }
  return records > 0;
}

const SCAN_RECORDS = 512;

/** Yields a sample, then fails, so that its last record, which may be cut off, is ignored. */
async function* yieldSample(text: Uint8Array): AsyncGenerator<Uint8Array> {
  yield text;
  throw new RangeError("the sample ends");
}
