/** Parts of a filestore's source: some of its files, or ranges of a large one. */
import type { FileEntry, FilestoreConnector } from "../../../core/contracts/connector.ts";
import {
  type ExtractRequest,
  type Part,
  type Partition,
  type PartitionSettings,
  undivided,
} from "../../../core/contracts/extractor.ts";
import type { FileRange } from "../../../formats/mod.ts";
import { requireFiles } from "./fields.ts";
import { fileInput, fileType, hintsOf } from "./file.ts";

/** A smaller part is read before its thread has started. */
const PART_BYTES = 16 * 1024 * 1024;

/** A file, or a range of it. */
export interface Piece {
  readonly entry: FileEntry;
  readonly range?: FileRange;
}

interface Sized extends Piece {
  readonly size: number;
}

/** All files of a source, or those of the task's part. */
export async function splitFiles(
  connector: FilestoreConnector,
  { source, part }: ExtractRequest,
): Promise<{ pieces: readonly Piece[]; others: readonly FileEntry[] }> {
  const pieces = part?.["pieces"];
  if (typeof pieces === "string") {
    // Two entries: each file must be the one that was listed.
    const listed = JSON.parse(pieces) as Piece[];
    const others = listed.map(({ entry }) => entry);
    return { pieces: listed, others: [...others, ...others] };
  }
  const entries = await connector.list(source);
  requireFiles(entries, source);
  return { pieces: entries.map((entry) => ({ entry })), others: entries };
}

/** In the order of the files, about as many bytes in each part. */
export async function partitionOf(
  connector: FilestoreConnector,
  task: ExtractRequest,
  { most }: PartitionSettings,
): Promise<Partition> {
  if (most < 2) return await undivided();
  const entries = await connector.list(task.source);
  requireFiles(entries, task.source);
  const total = sizeOf(entries);
  const count = Math.min(most, Math.floor(total / PART_BYTES));
  if (count < 2) return await undivided();
  const pieces: Sized[] = [];
  let guessed = false;
  for (const entry of entries) {
    const found = await cut(connector, task, entry, Math.round((entry.size * count) / total));
    pieces.push(...found.pieces);
    guessed ||= found.guessed;
  }
  const parts = share(pieces, total, count);
  if (parts.length < 2) return await undivided();
  return { parts, guessed, [Symbol.asyncDispose]: () => Promise.resolve() };
}

/** Ranges of a file that is worth so many parts. */
async function cut(
  connector: FilestoreConnector,
  { source }: ExtractRequest,
  entry: FileEntry,
  worth: number,
): Promise<{ pieces: Sized[]; guessed: boolean }> {
  const whole = { pieces: [{ entry, size: entry.size }], guessed: false };
  if (worth < 2) return whole;
  const { format, ...request } = await fileType(entry.name, hintsOf(source));
  await using file = await connector.openRead(entry.path);
  const { ranges, guessed } = await format.split(fileInput(file, entry.path), request, worth);
  if (ranges.length < 2) return whole;
  const size = entry.size / ranges.length;
  return { pieces: ranges.map((range) => ({ entry, range, size })), guessed };
}

function share(
  pieces: readonly Sized[],
  total: number,
  count: number,
): Part[] {
  const parts: Piece[][] = [[]];
  let before = 0;
  for (const { size, ...piece } of pieces) {
    // A piece belongs to the part that its middle is in.
    const at = Math.floor(((before + size / 2) * count) / total);
    if (parts.at(-1)!.length > 0 && at > parts.length - 1) parts.push([]);
    parts.at(-1)!.push(piece);
    before += size;
  }
  return parts.map((part) => ({ pieces: JSON.stringify(part) }));
}

function sizeOf(entries: readonly FileEntry[]): number {
  return entries.reduce((sum, { size }) => sum + size, 0);
}
