/**
 * The contract of loaders. A worker of the target creates one for each call: to plan, to find the highest
 * watermark, and once for the load of a stream, after the streams before it were loaded.
 */
import type { Field } from "../../models/field.ts";
import type { DeadLetter } from "../../models/stored.ts";
import type { StreamTarget } from "../../models/source.ts";
import type { LoadMode, LossRule, SchemaRule, VerifyLevel } from "../../models/stream.ts";
import type { Batch } from "./batch.ts";
import type { StagedData } from "./buffer.ts";
import type { Claim } from "../files/run_lock.ts";
import type { FieldConversion } from "../values/conversion.ts";
import { StaleRangeError } from "../errors.ts";
import { formatValue, type Value } from "../values/values.ts";

/** The properties of a load that are known before the first record is staged. */
export interface PlannedLoad {
  readonly target: StreamTarget;
  readonly staged: Pick<StagedData, "kind" | "fields">;
  readonly mode: LoadMode;
  /** Field names, not empty when the mode is upsert or scd2. */
  readonly upsertKeys: readonly string[];
  /**
   * Condition in the target's language: a replacement deletes only the records that match, and each staged one
   * must match; an upsert deletes only such records. Unset for loader classes that have no `replacesWhere`.
   */
  readonly where?: string | undefined;
  /** How records are deleted or closed whose keys are not staged; unset, they stay. */
  readonly deletes?: Deletes | undefined;
  /** Set when the mode is scd2, and only then. */
  readonly history?: History | undefined;
  /** Whether to accept a column that holds less than its field; unset, it is accepted. */
  readonly lossy?: LossRule | undefined;
  /** Whether rows that the target refuses are rejected, instead of failing the load. */
  readonly rejects?: boolean | undefined;
  /** Whether the load may change an existing target; unset, only a replacement may. */
  readonly schema?: SchemaRule | undefined;
  /**
   * Whether the plan has the target's number of rows: an exact count, which may take long, or none. Unset, an
   * estimate of the system will do for a large target.
   */
  readonly countsRows?: "exact" | "none";
  readonly signal: AbortSignal;
}

/** How records are deleted that the source no longer has. Plain data. */
export interface Deletes {
  /**
   * Column of the target that marks a deleted record with the time; unset: the record is deleted, or its version
   * closed where the load keeps history.
   */
  readonly column?: string | undefined;
  /** A load that would delete a larger percentage of the records fails. */
  readonly maxPercent: number;
  /** No record is deleted: those that are staged lose their marks. */
  readonly spares?: true | undefined;
}

/** The columns by which a target tells the versions of a record apart. Plain data. */
export interface History {
  readonly validFrom: string;
  readonly validTo: string;
  readonly isCurrent: string;
  /** Name of the field with the time from which a record is valid; unset: the time of the load. */
  readonly fromField?: string | undefined;
}

/** A load in messages, for example `upsert into sqlite`. */
export function describeLoad(mode: LoadMode, target: string): string {
  return mode === "scd2" ? `keep history in ${target}` : `${mode} into ${target}`;
}

/** Whether a load deletes records of its target that are not staged, instead of marking or closing them. */
export function deletesRecords(
  { deletes, history }: Pick<PlannedLoad, "deletes" | "history">,
): boolean {
  return deletes !== undefined && deletes.column === undefined && history === undefined;
}

/** Whether a load replaces all records of its target, not only those that match its condition. */
export function replacesAll({ mode, where }: Pick<PlannedLoad, "mode" | "where">): boolean {
  return mode === "replace" && where === undefined;
}

/** What a load would do to its target. */
export interface LoadPlan {
  /** Whether the target exists. */
  readonly exists: boolean;
  /** Whether the load changes the columns of a target that exists: readers may wait until it ends. */
  readonly changes?: boolean;
  /** Records in the target, if it exists and knows their number; of a load with `where` those that match. */
  readonly rows?: number;
  /** In the order of the fields. */
  readonly columns: readonly FieldConversion[];
  /** Statements that create, empty or change the target, word for word and in their order. */
  readonly statements: readonly string[];
  /** Data that the load would delete, each in a few words. */
  readonly destructive: readonly string[];
  /** Reasons to refuse the load; empty if there are none. */
  readonly problems: readonly string[];
}

export interface LoadTask extends PlannedLoad {
  /** Count and files are known only when `committed` has resolved. */
  readonly staged: StagedData;
  /** The run that loads, and how long it waits for another run; unset when no other run exists. */
  readonly claim?: Claim | undefined;
  /** Unset for a range that was not computed from the target, and for a load of everything. */
  readonly expected?: ExpectedWatermark | undefined;
  /** Unset for a load without a commit record, such as one from a stage in memory. */
  readonly journal?: CommitJournal | undefined;
  /** Called by loaders that can read what they wrote; a loader that does not call it proves counts. */
  readonly verify?: VerifyLoad | undefined;
  /**
   * All keys of the source, in fields of their names, read after the staged records. Set for a load that deletes
   * records and whose stage has only some of those of the source.
   */
  readonly keys?: StagedData | undefined;
  /** Set where `rejects` is: takes the rows that the target refuses. */
  readonly rejections?: Rejections | undefined;
}

/** Why a target refuses a row. */
export interface RowFault {
  readonly kind: DeadLetter["kind"];
  /** Name of the field, where the system or dxt knows it. */
  readonly field?: string | undefined;
  /** The reason in the words of the system or of dxt; it may quote values, and is never logged. */
  readonly message: string;
}

/**
 * Takes the rows that a target refuses. They no longer count as staged: `committed` and `scanBatches` of the
 * task's stage leave them out, `readBatches` does not.
 */
export interface Rejections {
  /**
   * Rejects a row.
   *
   * @param row number of the row in the stage, from 1
   * @param at index of the row in the batch
   * @throws {RejectedRowsError} when the pipeline allows no more
   */
  reject(row: number, batch: Batch, at: number, fault: RowFault): void;
  /**
   * Called once, after the last row and before the commit: when it resolves, the rejected rows are on disk.
   *
   * @throws {RejectedRowsError} when they are more than the pipeline allows
   */
  seal(): Promise<void>;
}

/**
 * Compares the values that a load wrote with those of its stage. The loader calls it once, after the last row
 * and before its commit, and puts the result into its receipt.
 *
 * @throws {VerificationError} that names the fields that differ, and the key of a row
 */
export type VerifyLoad = (rows: LoadedRows | UnreadableRows) => Promise<VerifiedLoad>;

/** Rows that the target cannot tell from others. */
export interface UnreadableRows {
  /** Why it cannot, for example `an upsert of SQLite does not list its rows`. */
  readonly unreadable: string;
}

/** Exactly the rows that a load wrote, as its target has them before the commit. */
export interface LoadedRows {
  /** The target in messages, for example `"public.orders"`. */
  readonly label: string;
  /** The fields that the load wrote, in the order of the stage. */
  readonly fields: readonly Field[];
  /** Names of fields whose values the target spells in its own way, and how: they are not compared. */
  readonly altered: ReadonlyMap<string, string>;
  /**
   * Why the target need not hold what was sent, or cannot be asked at a reasonable cost; then only counts are
   * compared, unless the pipeline asks for more.
   */
  readonly doubt?: string | undefined;
  /** Reads fields of all rows; called again to find a row that differs. */
  read(fields: readonly Field[]): AsyncGenerator<Batch, unknown, void>;
  /** The target's own count and totals of fields, without digests; unset where it cannot compute them. */
  total?(fields: readonly Field[]): Promise<LoadedTotals>;
}

/** What a target computes of the rows of a load. */
export interface LoadedTotals {
  readonly rows: number;
  /** In the order of the fields. */
  readonly columns: readonly ColumnTotals[];
}

/** What the target cannot compute is unset; so are `min`, `max` and `sum` of a column without values. */
export interface ColumnTotals {
  readonly nulls: number;
  /** As `formatValue` prints a value of the field. */
  readonly min?: string | undefined;
  readonly max?: string | undefined;
  /** In digits; of text and bytes the sum of their lengths in bytes. */
  readonly sum?: string | undefined;
}

/** The column that has the values of a field, in a target that exists. */
export interface TargetColumn {
  readonly field: string;
  readonly column: string;
  /** Why values that are read back differ from the staged ones, such as a spelling of the column's own. */
  readonly altered?: string | undefined;
}

/** What was compared of a load. */
export interface VerifiedLoad {
  readonly level: VerifyLevel;
  /** Why no more was compared, where the pipeline did not say. */
  readonly reason?: string | undefined;
  /** Fields that were not compared, with the reason. */
  readonly omitted: { readonly field: string; readonly reason: string }[];
  /** Time that it took, in whole milliseconds. */
  readonly ms: number;
}

/**
 * The highest watermark of the target from which the range to read was computed. A loader asks for it again
 * when no other run can load any more, before it writes. Otherwise rows that another run loaded in the meantime
 * would be loaded twice, or overwritten by older ones.
 */
export interface ExpectedWatermark extends AskedWatermark {
  readonly field: string;
  /** The watermark as text; unset if the target had none. */
  readonly max?: string | undefined;
}

/**
 * The record of a load that is about to commit: a JSON object without secrets. Its content is up to the
 * loader, whose `getOutcome` finds out by it whether the target committed the load.
 */
export type CommitRecord = Readonly<Record<string, unknown>>;

/**
 * The journal of a load that must not run twice. The loader calls `remember` once, right before it asks the
 * target to commit, and waits: when it resolves, the record is on disk.
 */
export interface CommitJournal {
  remember(record: CommitRecord): Promise<void>;
}

/** The outcome of a load; `running` while the target still executes it. */
export type LoadOutcome = "committed" | "aborted" | "running" | "unknown";

/** Something that a killed load left beside its target, which no load needs; or the lock of a load that goes on. */
export interface Leftover {
  readonly kind: "table" | "file" | "folder" | "lock";
  /** As the target's system names it; identifies it beside its target. */
  readonly name: string;
  readonly bytes?: number | undefined;
  /** When it was created or last written, in ISO 8601, where the system knows. */
  readonly changed?: string | undefined;
  /** Of a lock: the run that holds it, described for messages. */
  readonly holder?: string | undefined;
  /** Why it must stay, and what becomes of it. */
  readonly problem?: string | undefined;
}

/** Which leftover is removed, and the process that removes it. */
export interface LeftoverRequest extends Pick<Leftover, "name"> {
  readonly claim: Claim;
  readonly signal: AbortSignal;
}

/** The target's report of a finished load. */
export interface LoadReceipt {
  /** Staged records that the target took: all that were not rejected, or the load failed. */
  readonly rows: number;
  /** The target's own words, for example `COPY 347`. */
  readonly evidence: string;
  /** Records that the load deleted or marked, since the source no longer has them; unset if it does neither. */
  readonly deleted?: number | undefined;
  /** Unset where counts alone were compared. */
  readonly verified?: VerifiedLoad | undefined;
  /** Staged records that the target refused; the runner adds it. */
  readonly rejected?: number | undefined;
}

/**
 * Writes staged data into a target. A worker of the target creates one for each of its calls; only
 * `load` changes the target.
 */
export interface Loader {
  /**
   * Creates the target if it is missing, writes all staged data, or leaves the target as its class's
   * guarantee says. Called once for each stream, after the streams before it were loaded; where the
   * class `overlaps`, while the stage is still written. When upserted records share a key, the last
   * one staged wins.
   */
  load(task: LoadTask): Promise<LoadReceipt>;
  /**
   * Plans a load and changes nothing. Called by `dxt plan`, and before the extraction of a stream that is
   * loaded afterwards.
   */
  plan(load: PlannedLoad): Promise<LoadPlan>;
  /**
   * Highest value of a field in the target; undefined when the target is missing, or no row of it has
   * one. NULL, NaN and infinity are never the highest. Called before each incremental extraction, and
   * while one is planned.
   *
   * @throws {SchemaError} when the target cannot compare values as the stream's field is compared,
   * also while the target is missing
   */
  getMaxWatermark(
    target: StreamTarget,
    field: string,
    asked?: AskedWatermark,
  ): Promise<Exclude<Value, null> | undefined>;
  /**
   * A capability: finds the columns of a target that exists, for the fields that it stores; others are left out.
   * Called by `dxt diff`, which otherwise takes the columns of the fields' names.
   */
  findColumns?(target: StreamTarget, fields: readonly Field[]): Promise<readonly TargetColumn[]>;
}

/**
 * A load that several connections write at once: a capability of a loader class. The target's first
 * worker calls `begin`, and later `finish` or `abort` of what that returns. In between any worker calls
 * `loadShare`, each time with a connection of its own, as often as there are files left.
 */
export interface ParallelLoad {
  /**
   * Begins a load; undefined where only `Loader.load` keeps what the target has. The task's stage may
   * still be written.
   */
  begin(task: LoadTask): Promise<SharedLoad | undefined>;
  /**
   * Writes some files of the stage; returns the rows that the target took. The task's stage is read
   * once, and its files may come while they are read.
   */
  loadShare(task: LoadTask, ticket: LoadTicket): Promise<number>;
}

/** What another worker needs to take part in a load. Plain data: it is sent there. */
export type LoadTicket = Readonly<Record<string, unknown>>;

/** A parallel load that has begun. Nothing of it shows in the target before `finish`. */
export interface SharedLoad {
  readonly ticket: LoadTicket;
  /** Called once, after all shares: makes what they wrote the target's. `rows` is their sum. */
  finish(rows: number): Promise<LoadReceipt>;
  /** Called instead of `finish`, or after it failed: leaves the target as it was. */
  abort(): Promise<void>;
}

/** Which rows a highest watermark is taken from, and how values are compared. Plain data. */
export interface AskedWatermark {
  /** The field as the stream has it: its order counts, whatever type the target keeps it in. */
  readonly as?: Field | undefined;
  /** The stream's own rows, where others fill the target, too; all rows when unset. */
  readonly own?: OwnRows | undefined;
}

/** All that identifies the highest watermark that a stream goes on from. Plain data. */
export interface WatermarkQuery extends AskedWatermark {
  readonly target: StreamTarget;
  /** Name of the field in the target. */
  readonly field: string;
}

/** Which rows of a target are a stream's own: those that a condition finds, or with these values. */
export type OwnRows =
  | { readonly condition: string }
  | { readonly values: Readonly<Record<string, string | number | boolean>> };

/** The ways to tell own rows apart. */
export const OWN_ROWS = ["condition", "values"] as const;

/**
 * Compares the target's highest watermark, asked again inside the load, with the one that the range
 * was made from.
 *
 * @throws {StaleRangeError} when they differ
 */
export function refuseStaleRange(
  { expected }: Pick<LoadTask, "expected">,
  max: Exclude<Value, null> | undefined,
): void {
  const now = max === undefined ? undefined : formatValue(max);
  if (expected === undefined || now === expected.max) return;
  const shown = (text: string | undefined) => text === undefined ? "missing" : `"${text}"`;
  throw new StaleRangeError(
    `Cannot load: the highest "${expected.field}" of the target is ${shown(now)}, it was ${
      shown(expected.max)
    } when the range to read was made from it; rows came meanwhile, dxt run reads what is new since`,
  );
}
