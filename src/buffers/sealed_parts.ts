/**
 * The parts of a stage that are complete while others are still written. After a kill the next run takes them up,
 * if it would read the same records and stage them in the same way.
 */
import { join } from "node:path";
import { z } from "zod";
import type { SealedPart, StagedFile, StageOrigin } from "../core/contracts/buffer.ts";
import { RowsSummary } from "../models/summary.ts";
import { removePath, writeBytes } from "./durable_file.ts";
import { checkFile, StagedFileShape } from "./manifest.ts";

/** The log of a folder of staged files: a line for the origin, then one for each complete part. */
const LOG = "sealed.jsonl";

/** Version of the log, and of how dxt writes staged files. */
const VERSION = 1;

const Origin = z.strictObject({
  version: z.literal(VERSION),
  moment: z.string(),
  spec: z.string(),
});

const Part = z.strictObject({
  number: z.int().min(0),
  files: z.array(StagedFileShape),
  rejected: z.array(StagedFileShape).optional(),
  count: z.int().min(0),
  evidence: z.string(),
  stats: z.record(z.string(), z.union([z.string(), z.number()])),
  summary: RowsSummary.optional(),
});

interface SealedLog {
  readonly origin: z.infer<typeof Origin>;
  readonly parts: readonly SealedPart[];
}

/** What is taken up of killed runs. */
export interface TakenUp {
  /** Folder whose files go on; undefined for a new one. */
  readonly path?: string;
  readonly sealed: ReadonlyMap<number, SealedPart>;
  /** Why what a killed run left is not taken up; undefined if nothing was left. */
  readonly restart?: string;
}

/**
 * Chooses the folder of a killed run with the same origin, and removes all files of it that are not those of a
 * complete part. A part whose files are damaged is not complete.
 */
export async function takeUpSealed(
  folders: readonly string[],
  origin: StageOrigin,
): Promise<TakenUp> {
  let restart: string | undefined;
  for (const path of folders) {
    if ("unrepeatable" in origin) {
      if (await holdsFiles(path)) restart = origin.unrepeatable;
      continue;
    }
    const log = await readSealed(path);
    if (log === undefined || log.parts.length === 0) continue;
    restart = findDifference(log.origin, origin);
    if (restart !== undefined) continue;
    const sealed = await checkParts(path, log.parts);
    await removeUnsealed(path, sealed);
    return { path, sealed };
  }
  return { sealed: new Map(), ...(restart === undefined ? {} : { restart }) };
}

function findDifference(
  { moment, spec }: z.infer<typeof Origin>,
  origin: Exclude<StageOrigin, { readonly unrepeatable: string }>,
): string | undefined {
  if (moment !== origin.moment) return "the source has changed since";
  return spec === origin.spec ? undefined : "the stream is read, divided or staged otherwise now";
}

/** Reads the log of a folder; undefined without a readable one. */
export async function readSealed(path: string): Promise<SealedLog | undefined> {
  try {
    const text = await Deno.readTextFile(join(path, LOG));
    const [first, ...others] = text.split("\n").slice(0, -1);
    const origin = Origin.parse(JSON.parse(first ?? ""));
    return { origin, parts: others.flatMap((line) => parsePart(line) ?? []) };
  } catch {
    return undefined;
  }
}

/** Undefined for a line that a kill cut off, which the next run has continued with its own. */
function parsePart(line: string): SealedPart | undefined {
  try {
    return Part.parse(JSON.parse(line));
  } catch {
    return undefined;
  }
}

async function checkParts(
  path: string,
  parts: readonly SealedPart[],
): Promise<Map<number, SealedPart>> {
  const sealed = new Map<number, SealedPart>();
  for (const part of parts) {
    try {
      for (const file of listFiles(part)) await checkFile(path, file);
      sealed.set(part.number, part);
    } catch {
      sealed.delete(part.number);
    }
  }
  return sealed;
}

function listFiles({ files, rejected = [] }: SealedPart): readonly StagedFile[] {
  return [...files, ...rejected];
}

async function removeUnsealed(
  path: string,
  sealed: ReadonlyMap<number, SealedPart>,
): Promise<void> {
  const kept = new Set([LOG]);
  for (const part of sealed.values()) for (const { name } of listFiles(part)) kept.add(name);
  for await (const { name } of Deno.readDir(path)) {
    if (!kept.has(name)) await removePath(join(path, name));
  }
}

async function holdsFiles(path: string): Promise<boolean> {
  for await (const { name } of Deno.readDir(path)) if (name.startsWith("part-")) return true;
  return false;
}

/** Begins the log of a new folder; parts that cannot be taken up later have none. */
export async function beginLog(path: string, origin: StageOrigin): Promise<void> {
  if ("unrepeatable" in origin) return;
  await writeBytes(join(path, LOG), encodeLine({ version: VERSION, ...origin }));
}

/**
 * Adds a complete part to the log, if its folder has one. The line need not be on disk: a part whose line or files
 * are lost with the power is read again. Synchronous, so that lines do not mix.
 */
export function sealPart(path: string, part: SealedPart): void {
  try {
    Deno.writeFileSync(join(path, LOG), encodeLine(part), { append: true, create: false });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Removes the log, before the stage is committed. */
export function removeSealed(path: string): Promise<void> {
  return removePath(join(path, LOG));
}

function encodeLine(value: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`);
}
