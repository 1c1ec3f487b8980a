/** Splits a source into parts: some of its files, or ranges of a large file. */
import type { FileEntry, FilestoreConnector } from "../../../core/contracts/connector.ts";
import {
  type ExtractRequest,
  type Part,
  type Partition,
  type PartitionSettings,
  undivided,
} from "../../../core/contracts/extractor.ts";
import { countParts, isSettled } from "../../../core/contracts/repeatable_parts.ts";
import type { FileRange } from "../../../formats/mod.ts";
import { requireFiles } from "./fields.ts";
import { fileInput, fileType, getFormatHints } from "./file.ts";

/** Smallest part in bytes: a smaller one is read faster than its worker starts. */
const PART_BYTES = 16 * 1024 * 1024;

/** A file, or a range of it. */
export interface Piece {
  readonly entry: FileEntry;
  readonly range?: FileRange;
}

interface Sized extends Piece {
  readonly size: number;
}

/** The files of the task's part, or of the whole source. */
export async function splitFiles(
  connector: FilestoreConnector,
  { source, part }: ExtractRequest,
): Promise<{ pieces: readonly Piece[]; others: readonly FileEntry[] }> {
  const pieces = part?.["pieces"];
  if (typeof pieces === "string") {
    // Listed twice, so that openListed() checks even a single file against its listing.
    const listed = JSON.parse(pieces) as Piece[];
    const others = listed.map(({ entry }) => entry);
    return { pieces: listed, others: [...others, ...others] };
  }
  const entries = await connector.list(source);
  requireFiles(entries, source);
  return { pieces: entries.map((entry) => ({ entry })), others: entries };
}

/** Splits a source into parts of about equal size, in the order of the files. */
export async function partitionFiles(
  connector: FilestoreConnector,
  task: ExtractRequest,
  settings: PartitionSettings,
): Promise<Partition> {
  if (settings.most < 2) return await undivided();
  const entries = await connector.list(task.source);
  requireFiles(entries, task.source);
  const total = totalSize(entries);
  const count = countParts(total, PART_BYTES, settings);
  if (count < 2) return await undivided();
  const pieces: Sized[] = [];
  let guessed = false;
  for (const entry of entries) {
    const share = Math.round((entry.size * count) / total);
    const found = await splitFile(connector, task, entry, share);
    pieces.push(...found.pieces);
    guessed ||= found.guessed;
  }
  const parts = distribute(pieces, total, count);
  if (parts.length < 2) return await undivided();
  const moment = identifyMoment(entries);
  return { parts, guessed, moment, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** Files are the same with the same paths, sizes and times; undefined if one has just been changed. */
function identifyMoment(entries: readonly FileEntry[]): string | undefined {
  if (entries.some(({ modified }) => modified === undefined || !isSettled(modified))) {
    return undefined;
  }
  return JSON.stringify(entries.map(({ path, size, modified }) => [path, size, modified]));
}

/** Splits a file into at most `count` ranges. */
async function splitFile(
  connector: FilestoreConnector,
  { source }: ExtractRequest,
  entry: FileEntry,
  count: number,
): Promise<{ pieces: Sized[]; guessed: boolean }> {
  const whole = { pieces: [{ entry, size: entry.size }], guessed: false };
  if (count < 2) return whole;
  const { format, ...request } = await fileType(entry.name, getFormatHints(source));
  await using file = await connector.openRead(entry.path);
  const { ranges, guessed } = await format.split(fileInput(file, entry.path), request, count);
  if (ranges.length < 2) return whole;
  const size = entry.size / ranges.length;
  return { pieces: ranges.map((range) => ({ entry, range, size })), guessed };
}

/** Assigns each piece to the part that contains its middle. */
function distribute(
  pieces: readonly Sized[],
  total: number,
  count: number,
): Part[] {
  const parts: Piece[][] = [[]];
  let before = 0;
  for (const { size, ...piece } of pieces) {
    const at = Math.floor(((before + size / 2) * count) / total);
    if (parts.at(-1)!.length > 0 && at > parts.length - 1) parts.push([]);
    parts.at(-1)!.push(piece);
    before += size;
  }
  return parts.map((part) => ({ pieces: JSON.stringify(part) }));
}

function totalSize(entries: readonly FileEntry[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0);
}
