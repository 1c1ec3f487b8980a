/**
 * Parts of a CSV file, each read on its own. Whether a line end is inside quotes can be told only
 * by all that stands before it, so where a part begins is a guess, and the part before it is the
 * proof: it was right if that part ended exactly there. If it did not, the part is to be read again
 * from where the part before it ended; what was read from the guess is void, its errors too.
 */
import type { Batch } from "../../core/contracts/batch.ts";
import type { FormatOptions } from "../../models/format.ts";
import { checkUTF8 } from "../text/encoding.ts";
import type { FileInput, ReadRequest } from "../format.ts";
import { type Dialect, dialectOf } from "./dialect.ts";
import { batchesOf } from "./read.ts";
import { type Position, Records } from "./records.ts";
import { Tokenizer } from "./tokenizer.ts";

/** What a file's first part begins at. */
export const START: Position = { offset: 0, rows: 0, lines: 0 };

/** Bytes that are looked at for the beginning of a part. */
const SAMPLE = 262_144;
/** Bytes that are read at once, at first and at most: a header is short, and each request costs. */
const FIRST_BLOCK = 65_536;
const LARGEST_BLOCK = 1_048_576;
/** Line ends that are tried as a part's beginning. */
const TRIES = 256;
const MARK = [0xef, 0xbb, 0xbf];
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

type Delimited = Pick<ReadRequest, "compression" | "options">;

/** Whether the bytes of a file are the text that its offsets count. */
export function isDivisible({ compression, options }: Delimited): boolean {
  return compression === "none" && (options.encoding ?? "utf-8") === "utf-8";
}

/**
 * Offsets at which parts of about the same size probably begin, the first of them not among them;
 * fewer than wanted where none was found.
 */
export async function splitPoints(
  input: FileInput,
  delimiter: string,
  options: FormatOptions,
  parts: number,
): Promise<number[]> {
  const dialect = dialectOf(options, delimiter);
  const points: number[] = [];
  const width = (await header(input, dialect)).names?.length ?? 0;
  if (width === 0) return points;
  for (let part = 1; part < parts; part++) {
    const about = Math.floor(input.size / parts * part);
    const point = await likelyStart(input, dialect, width, about);
    if (point !== undefined && point > (points.at(-1) ?? 0)) points.push(point);
  }
  return points;
}

/**
 * The records that begin from an offset on and before another. The offset is where a record
 * begins, or 0. The numbers of rows and lines in errors count from those of `from`.
 *
 * @returns where the first record behind them begins
 * @throws {ValidationError} as a file's reader does; void where `from` was a guess and wrong
 */
export async function* readRange(
  input: FileInput,
  delimiter: string,
  request: ReadRequest,
  from: Position,
  end: number,
): AsyncGenerator<Batch, Position, void> {
  const dialect = dialectOf(request.options, delimiter);
  if (from.offset >= end && from.offset > 0) return from;
  if (from.offset === 0) {
    const records = await opened(input, dialect, end);
    try {
      await records.start();
      if (records.names !== undefined) {
        yield* batchesOf(input.name, records, dialect, request, end);
      }
      return records.position;
    } finally {
      await records.tokens.close();
    }
  }
  const { names } = await header(input, dialect);
  const records = new Records(
    input.name,
    checkUTF8(blocks(input, from.offset, end), from.offset),
    dialect,
  );
  try {
    records.resume(names ?? [], from);
    yield* batchesOf(input.name, records, dialect, request, end);
    return records.position;
  } finally {
    await records.tokens.close();
  }
}

/** The file from its start, behind a byte order mark. */
async function opened(input: FileInput, dialect: Dialect, end?: number): Promise<Records> {
  const first = await input.read(0, Math.min(input.size, MARK.length));
  const hasMark = first.length === MARK.length && first.every((byte, i) => byte === MARK[i]);
  const start = hasMark ? MARK.length : 0;
  const records = new Records(input.name, checkUTF8(blocks(input, start, end), start), dialect);
  records.tokens.begin(start, 0);
  return records;
}

async function header(input: FileInput, dialect: Dialect): Promise<Records> {
  const records = await opened(input, dialect);
  try {
    await records.start();
  } finally {
    await records.tokens.close();
  }
  return records;
}

/** The bytes from `start` on, each block until the next is asked for; those behind `end` are few. */
async function* blocks(input: FileInput, start: number, end = input.size) {
  let size = FIRST_BLOCK;
  let memory = new Uint8Array(size);
  for (let at = start, next = 0; at < input.size; at = next) {
    next = Math.min(at < end ? Math.min(at + size, end) : at + FIRST_BLOCK, input.size);
    if (memory.length < next - at) memory = new Uint8Array(size);
    yield await input.read(at, next, memory);
    size = Math.min(size * 2, LARGEST_BLOCK);
  }
}

/** The first line behind an offset from which on the text looks like records. */
async function likelyStart(
  input: FileInput,
  dialect: Dialect,
  width: number,
  about: number,
): Promise<number | undefined> {
  const bytes = await input.read(about, Math.min(input.size, about + SAMPLE));
  let tries = 0;
  for (let at = 0; at < bytes.length && tries < TRIES; at++) {
    const isLineEnd = bytes[at] === LINE_FEED ||
      (bytes[at] === CARRIAGE_RETURN && bytes[at + 1] !== LINE_FEED);
    if (!isLineEnd) continue;
    tries++;
    const text = bytes.subarray(at + 1);
    if (text.length > 0 && await looksLikeRecords(text, dialect, width)) return about + at + 1;
  }
  return undefined;
}

/** Whether all records are of the width, and no quote is at the end of a field without quotes. */
async function looksLikeRecords(
  text: Uint8Array,
  dialect: Dialect,
  width: number,
): Promise<boolean> {
  const tokens = new Tokenizer("", cut(text), dialect);
  tokens.width = width;
  await tokens.fill();
  let records = 0;
  try {
    for (let found; (found = tokens.scan(SCANNED, Infinity)) > 0; records += found) {
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

const SCANNED = 512;

/** A text whose end is not that of its file, so that a record cut there is nothing wrong. */
async function* cut(text: Uint8Array): AsyncGenerator<Uint8Array> {
  yield text;
  throw new RangeError("the sample ends");
}
