/**
 * Schemas for what workers reply. A worker may run untrusted code, which may reply anything: an invalid
 * reply is an error, and unknown keys are dropped.
 */
import { z } from "zod";
import { StagedFileShape } from "../../buffers/mod.ts";
import { CONVERSIONS } from "../../core/values/conversion.ts";
import { ConnectorError, messageOf } from "../../core/errors.ts";
import { BUCKETS } from "../../integrity/diff/bucket_sums.ts";
import type { ConnectorMethod } from "../../core/contracts/connector.ts";
import { MARK, MARKED, type MarkedValue, restore } from "../../core/values/transferable_value.ts";
import { OWN_ROWS } from "../../core/contracts/loader.ts";
import { DeadLetter } from "../../models/stored.ts";
import { Field } from "../../models/field.ts";
import { CATEGORIES, StreamSource } from "../../models/source.ts";
import { Guarantee } from "../../models/guarantee.ts";
import { LOAD_MODES, VerifyLevel } from "../../models/stream.ts";
import { RowsSummary } from "../../models/summary.ts";
import type { JobResult, ThreadChecks } from "../../sandbox/thread.ts";
import type { WorkerJobs } from "./inside/jobs.ts";

const count = z.int().min(0);

/** Longer texts are truncated: they are messages for people. */
const MOST_CHARACTERS = 10_000;
const shortText = z.string().transform((text) =>
  text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text
);
const texts = z.array(z.string());
const shortTexts = z.array(shortText);

/** A value of a class, which the worker marked. */
const Marked = z.object({ [MARK]: z.enum(MARKED), text: z.string() }).transform(
  (marked, context) => {
    try {
      return restore(marked as MarkedValue);
    } catch (error) {
      context.addIssue(messageOf(error));
      return z.NEVER;
    }
  },
);

const Present = z.union([
  z.number(),
  z.nan(),
  z.literal([Infinity, -Infinity]),
  z.bigint(),
  z.string(),
  z.boolean(),
  z.instanceof(Uint8Array),
  Marked,
]);
const Value = Present.nullable();

/** Words of 32 bits: so many, or any number. */
const words = (length?: number) =>
  z.instanceof(Uint32Array).refine((found) => length === undefined || found.length === length);

const Access = z.object({ action: shortText, problems: shortTexts });
const Verified = z.object({
  level: VerifyLevel,
  reason: shortText.optional(),
  omitted: z.array(z.object({ field: z.string(), reason: shortText })),
  ms: count,
});
const Receipt = z.object({
  ...{ rows: count, evidence: shortText },
  deleted: count.optional(),
  verified: Verified.optional(),
  rejected: count.optional(),
});
const RejectedFile = StagedFileShape.extend({ bytes: z.instanceof(Uint8Array).optional() });
const Issue = z.object({
  message: shortText,
  path: z.array(z.union([z.string(), z.number()])),
});
const Checked = z.union([z.object({ issue: Issue }), z.object({ value: z.unknown() })]);

const LoaderInfo = z.object({
  modes: z.partialRecord(z.enum(LOAD_MODES), Guarantee),
  accepts: z.array(z.enum(["records", "files"])),
  overlaps: z.boolean(),
  ownRows: z.array(z.enum(OWN_ROWS)).optional(),
  aggregates: z.boolean().optional(),
  rejects: z.array(z.enum(LOAD_MODES)).optional(),
  replacesWhere: z.boolean().optional(),
  deletesMissing: z.boolean().optional(),
});
const ExtractorInfo = z.object({
  yields: z.enum(["records", "files"]),
  splitsByField: z.boolean().optional(),
});
const named = <S extends z.ZodType>(schema: S) =>
  z.record(z.string().regex(/^[A-Za-z_$][\w$]{0,99}$/), schema);

const Conversion = z.object({
  kind: z.enum(CONVERSIONS),
  note: shortText.optional(),
  limit: z.literal(true).optional(),
});

function discovered(field: z.ZodType<Field>) {
  return z.array(z.object({
    name: z.string(),
    source: StreamSource,
    isView: z.boolean().optional(),
    fields: z.array(field),
    estimatedRows: z.number().optional(),
  }));
}

/** What a connector's methods return: an entry for each. */
export const CONNECTOR_REPLIES = {
  testConnection: z.object({ product: shortText, version: shortText }),
  getStreamFields: z.array(Field).optional(),
  describeMissing: shortText,
  discover: discovered(Field),
  estimate: z.object({
    kind: shortText,
    rows: z.number().optional(),
    bytes: z.number().optional(),
  }),
  checkRead: Access,
  checkWrite: Access,
} satisfies Record<ConnectorMethod, z.ZodType>;

type JobsWithReply = {
  [K in keyof WorkerJobs]: void extends JobResult<WorkerJobs[K]> ? never : K;
}[keyof WorkerJobs];

/** What a job returns, by its name; a job that is not here returns nothing. */
const REPLIES = {
  describe: z.object({
    name: z.string().regex(/^[^\p{C}]{1,100}$/u, "expected 1 to 100 printable characters"),
    category: z.enum(CATEGORIES),
    connectionsPerThread: z.int().min(1),
    extractors: named(ExtractorInfo),
    loaders: named(LoaderInfo),
  }),
  checkConnection: Checked,
  needs: z.object({ net: texts, read: texts, write: texts, env: texts, ffi: texts, sys: texts }),
  targetPath: texts,
  checkClass: z.object({
    info: z.union([ExtractorInfo, LoaderInfo, z.object({})]),
    options: Checked,
  }),
  openTransforms: z.array(Field),
  transform: z.instanceof(Uint8Array),
  ...CONNECTOR_REPLIES,
  partition: z.object({
    parts: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null()]))).min(1),
    guessed: z.boolean().optional(),
    moment: z.string().optional(),
  }),
  extract: z.object({
    files: z.array(StagedFileShape),
    count,
    evidence: shortText,
    bytes: z.array(z.instanceof(Uint8Array)).optional(),
    summary: RowsSummary.optional(),
    rejected: z.array(RejectedFile).optional(),
    max: Value,
    nulls: count,
    placeless: count,
    key: z.string().optional(),
  }),
  head: z.array(z.array(Value)),
  plan: z.object({
    exists: z.boolean(),
    changes: z.boolean().optional(),
    rows: z.number().optional(),
    columns: z.array(z.object({
      field: Field,
      type: shortText,
      conversion: Conversion,
      widens: z.boolean().optional(),
    })),
    statements: shortTexts,
    destructive: shortTexts,
    problems: shortTexts,
  }),
  sumSide: z.object({
    counts: words(BUCKETS),
    sums: words(2 * BUCKETS),
    rows: count,
    later: count,
  }),
  readByKeys: z.array(z.object({ key: count, values: z.array(Value) })),
  findColumns: z.array(
    z.object({ field: z.string(), column: z.string(), altered: shortText.optional() }),
  ).optional(),
  getSourceWatermark: Present.optional(),
  getMaxWatermark: Present.optional(),
  getOutcome: z.enum(["committed", "aborted", "running", "unknown"]),
  listLeftovers: z.array(z.object({
    kind: z.enum(["table", "file", "folder", "lock"]),
    name: z.string(),
    bytes: z.number().min(0).optional(),
    changed: z.iso.datetime().optional(),
    holder: shortText.optional(),
    problem: shortText.optional(),
  })),
  removeLeftover: z.boolean(),
  load: Receipt,
  beginParallel: z.record(z.string(), z.unknown()).optional(),
  loadShare: count,
  finish: Receipt,
} satisfies Record<JobsWithReply, z.ZodType>;

let untrusted: Readonly<Record<string, z.ZodType>> | undefined;

/**
 * As `REPLIES`, for untrusted code: what a field is to become in a target's own words goes into DDL,
 * and is the user's alone to say.
 */
function untrustedReplies(): Readonly<Record<string, z.ZodType>> {
  if (untrusted !== undefined) return untrusted;
  const field = Field.extend({ target_type: z.unknown().optional() })
    .transform(({ target_type: _, ...rest }): Field => rest);
  const fields = z.array(field);
  const own = {
    openTransforms: fields,
    getStreamFields: fields.optional(),
    discover: discovered(field),
  };
  return untrusted = { ...REPLIES, ...own };
}

const Rows = z.object({ rows: count });
const Letters = z.object({ letters: z.array(DeadLetter) });
const Sealed = z.object({ sealed: z.literal(true) });
const Committing = z.object({ committing: z.record(z.string(), z.unknown()) });

const SideProgress = z.union([
  z.object({ transform: z.object({ id: z.int(), bytes: z.instanceof(Uint8Array) }) }),
  z.object({ rows: count, bytes: count }),
]);
const ExtractProgress = z.union([z.object({ file: StagedFileShape }), SideProgress]);
const Hashes = z.object({ side: z.enum(["compared", "later"]), hashes: words() });

/** Schemas of progress, by the job that reports it. */
const PROGRESS = {
  extract: ExtractProgress,
  sumSide: SideProgress,
  sendHashes: z.union([Hashes, SideProgress]),
  readByKeys: SideProgress,
  load: z.union([Rows, Committing, Letters, Sealed]),
  finish: Committing,
  loadShare: z.union([Rows, z.object({ more: z.literal(true) })]),
} satisfies Partial<Record<keyof WorkerJobs, z.ZodType>>;

/** Validates what workers send against these schemas. */
export const CHECKS: ThreadChecks = {
  answer: (job, value, external) =>
    validateReply(external ? untrustedReplies() : REPLIES, job, value, "answered"),
  progress: (job, value) => validateReply(PROGRESS, job, value, "reported"),
};

/** A job that is in no table returns nothing. */
function validateReply(
  shapes: Readonly<Record<string, z.ZodType>>,
  job: string,
  value: unknown,
  how: string,
): unknown {
  if (!Object.hasOwn(shapes, job)) return undefined;
  const parsed = shapes[job]!.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0]!;
  throw new ConnectorError(
    `Cannot use what a worker ${how} to "${job}": ${path.join(".") || "it"} is wrong: ${message}`,
  );
}
