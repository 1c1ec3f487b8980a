/**
 * Records of appends, from which a later run determines whether they were committed: by size and
 * modification time of the file, which a rename preserves, or by the name of the part.
 */
import { z } from "zod";
import type { FileEntry, FilestoreConnector } from "../../../core/contracts/connector.ts";
import type { CommitRecord, LoadOutcome } from "../../../core/contracts/loader.ts";
import type { FileLoadTask, FileTarget } from "./loaders.ts";

const Identity = z.strictObject({ size: z.int(), modified: z.number().nullable() });
type Identity = z.infer<typeof Identity>;

const Commit = z.union([
  z.strictObject({ part: z.string() }),
  /** `before` is null when no file existed. */
  z.strictObject({ before: Identity.nullable(), after: Identity }),
]);

/** Records an append to a file. Call when the new file at `path` is complete, before its rename. */
export async function rememberFile(
  connector: FilestoreConnector,
  { target, mode, journal }: FileLoadTask,
  path: string,
): Promise<void> {
  if (mode !== "append" || journal === undefined) return;
  const [old] = await connector.list({ type: "file", path: target.path });
  const [fresh] = await connector.list({ type: "file", path });
  await journal.remember({ before: toIdentity(old), after: toIdentity(fresh) });
}

/** Records an append of a part to a folder. Call before the part appears. */
export async function rememberPart(
  { mode, journal }: FileLoadTask,
  part: string,
): Promise<void> {
  if (mode === "append") await journal?.remember({ part });
}

function toIdentity(entry: FileEntry | undefined): Identity | null {
  return entry === undefined ? null : { size: entry.size, modified: entry.modified ?? null };
}

/** Determines the outcome of a recorded load. */
export async function findOutcome(
  connector: FilestoreConnector,
  target: FileTarget,
  record: CommitRecord,
): Promise<LoadOutcome> {
  const parsed = Commit.safeParse(record);
  if (!parsed.success) return "unknown";
  const commit = parsed.data;
  const entries = await connector.list(target);
  if ("part" in commit) {
    return entries.some(({ name }) => name === commit.part) ? "committed" : "aborted";
  }
  const now = toIdentity(entries[0]);
  if (isSame(now, commit.after)) return "committed";
  return isSame(now, commit.before) ? "aborted" : "unknown";
}

function isSame(one: Identity | null, other: Identity | null): boolean {
  return one?.size === other?.size && one?.modified === other?.modified;
}
