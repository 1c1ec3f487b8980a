/** What runs keep or left: as `dxt status` and `dxt clean` print it, and the rows that targets refused. */
import { z } from "zod";
import { Field } from "./field.ts";

/**
 * - in use: a run holds its lock.
 * - in doubt: only the target knows whether it took the load.
 * - staged: complete, and not loaded as far as dxt knows.
 * - incomplete: its extraction was killed.
 * - unusable: no load can read it, such as a stage of another version.
 * - abandoned: a temporary file, folder or table whose run was killed.
 * - rejected: dead letters of a load that has committed; those of a load in doubt are in doubt, too.
 */
export type StoredState = StageState | "abandoned" | "rejected";
export type StageState = "in use" | "in doubt" | "staged" | "incomplete" | "unusable";

/** The run that holds a lock. */
export interface LockHolder {
  readonly host?: string | undefined;
  readonly pid: number;
  readonly run_id: string;
  /** Start of the run, in ISO 8601. */
  readonly since: string;
}

/** One thing that runs keep or left. What is unknown is omitted. */
export interface StoredEntry {
  readonly kind: "stage" | "folder" | "file" | "table" | "lock" | "letters";
  readonly state: StoredState;
  /** Its path, or its name in the target. */
  readonly place: string;
  readonly pipeline?: string;
  readonly stream?: string;
  /** Of a stage: records, or files where bytes were kept; of an incomplete one those that can be taken up. */
  readonly rows?: number;
  readonly bytes?: number;
  /** When it was last written, in ISO 8601. */
  readonly changed?: string;
  /** The run that uses it; of the lock of a target a text, as the target describes it. */
  readonly held_by?: LockHolder | string;
  /** Of a load in doubt: what the target says of it. */
  readonly outcome?: "committed" | "aborted" | "running" | "unknown";
  /** Why a stage is unusable, a target cannot be asked, or what is abandoned must stay. */
  readonly problem?: string;
}

/** What `dxt clean` did with an entry. */
export interface CleanedEntry extends StoredEntry {
  readonly action: "removed" | "would be removed" | "kept" | "failed";
  /** Why it was kept, or could not be removed. */
  readonly reason?: string;
}

/** Kinds of reasons for which a row is rejected. */
export const FAULTS = [
  "null",
  "unique",
  "foreign key",
  "check",
  "value",
  "trigger",
  "transform",
  "syntax",
] as const;

/** Where a row was rejected: by the reader of its source, before it was staged, or by the target. */
export const REJECTING_STEPS = ["extract", "transform", "load"] as const;

/**
 * A row that was rejected. A file of dead letters is JSON Lines: the first line is a {@linkcode LetterHeader},
 * each other one a letter.
 */
export const DeadLetter = z.strictObject({
  step: z.enum(REJECTING_STEPS).default("load").describe("Step of the run that rejected the row"),
  file: z.string().describe(
    "File of the stage, or of the source if the row was never staged; empty where it has none",
  ),
  row: z.int().min(1).optional().describe(
    "Number of the row in that file, or in the source, from 1, where it is known",
  ),
  line: z.int().min(1).optional().describe("Line of the file of a source, from 1"),
  kind: z.enum(FAULTS).describe("Kind of the reason"),
  field: z.string().optional().describe("Field that the reason is about, where it is known"),
  message: z.string().describe("The reason in the words of the target or of dxt"),
  record: z.record(z.string(), z.string().nullable()).optional().describe(
    "Values as text; NULL is null; unset for a record that cannot be read",
  ),
  text: z.string().optional().describe(
    "The beginning of a record that cannot be read, as its file has it",
  ),
}).meta({ id: "DeadLetter" });
export type DeadLetter = z.infer<typeof DeadLetter>;

/** The load whose rows a file has. */
export const LetterHeader = z.strictObject({
  version: z.literal(1),
  pipeline: z.string(),
  stream: z.string(),
  run_id: z.string(),
  /** Start of the run, in ISO 8601. */
  at: z.iso.datetime(),
  fields: z.array(Field),
});
export type LetterHeader = z.infer<typeof LetterHeader>;
