/**
 * What threads answer, as the host takes it. Code of others may answer anything: what is not of these
 * shapes is refused, and what is more is left out.
 */
import { z } from "zod";
import { StagedFileShape } from "../../buffers/mod.ts";
import { CONVERSIONS } from "../../core/values/conversion.ts";
import { ConnectorError } from "../../core/errors.ts";
import { OWN_ROWS } from "../../core/contracts/loader.ts";
import { Field } from "../../models/field.ts";
import { CATEGORIES, StreamSource } from "../../models/source.ts";
import { Guarantee } from "../../models/guarantee.ts";
import { LOAD_MODES } from "../../models/stream.ts";
import type { ThreadChecks } from "../../sandbox/thread.ts";

const count = z.int().min(0);

/** Longer texts are cut: they are for people, and nobody reads more. */
const MOST_CHARACTERS = 10_000;
const said = z.string().transform((text) =>
  text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text
);
const texts = z.array(z.string());
const sentences = z.array(said);

const PlainValue = z.union([
  z.null(),
  z.number(),
  z.nan(),
  z.literal([Infinity, -Infinity]),
  z.bigint(),
  z.string(),
  z.boolean(),
  z.instanceof(Uint8Array),
  z.object({
    type: z.enum(["PlainDate", "PlainTime", "PlainDateTime", "Instant", "JSON"]),
    text: z.string(),
  }),
]);

const Access = z.object({ action: said, problems: sentences });
const Receipt = z.object({ rows: count, evidence: said });
const Issue = z.object({
  message: said,
  path: z.array(z.union([z.string(), z.number()])),
});
const Checked = z.union([z.object({ issue: Issue }), z.object({ value: z.unknown() })]);

const LoaderInfo = z.object({
  modes: z.partialRecord(z.enum(LOAD_MODES), Guarantee),
  accepts: z.array(z.enum(["records", "files"])),
  overlaps: z.boolean(),
  ownRows: z.array(z.enum(OWN_ROWS)).optional(),
});
const ExtractorInfo = z.object({
  yields: z.enum(["records", "files"]),
  splitsByField: z.boolean().optional(),
});
const named = <S extends z.ZodType>(schema: S) =>
  z.record(z.string().regex(/^[A-Za-z_$][\w$]{0,99}$/), schema);

const Conversion = z.object({
  kind: z.enum(CONVERSIONS),
  note: said.optional(),
  limit: z.literal(true).optional(),
});

function discovered(field: z.ZodType<Field>) {
  return z.array(z.object({
    name: z.string(),
    source: StreamSource,
    fields: z.array(field),
    estimatedRows: z.number().optional(),
  }));
}

/** By the job that is answered. */
const ANSWERS = {
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
  testConnection: z.object({ product: said, version: said }),
  getStreamFields: z.array(Field).optional(),
  discover: discovered(Field),
  estimate: z.object({
    kind: said,
    rows: z.number().optional(),
    bytes: z.number().optional(),
  }),
  checkRead: Access,
  checkWrite: Access,
  partition: z.object({
    parts: z.array(z.record(z.string(), z.union([z.string(), z.number(), z.null()]))).min(1),
    guessed: z.boolean().optional(),
  }),
  extract: z.object({
    files: z.array(StagedFileShape),
    count,
    evidence: said,
    bytes: z.array(z.instanceof(Uint8Array)).optional(),
    max: PlainValue,
    nulls: count,
    placeless: count,
    key: z.string().optional(),
  }),
  head: z.array(z.array(PlainValue)),
  plan: z.object({
    exists: z.boolean(),
    rows: z.number().optional(),
    columns: z.array(z.object({ field: Field, type: said, conversion: Conversion })),
    statements: sentences,
    destructive: sentences,
    problems: sentences,
  }),
  sourceWatermark: PlainValue.optional(),
  maxWatermark: PlainValue.optional(),
  outcome: z.enum(["committed", "aborted", "running", "unknown"]),
  load: Receipt,
  share: z.record(z.string(), z.unknown()).optional(),
  loadShare: count,
  finish: Receipt,
} satisfies Record<string, z.ZodType>;

let untrusted: Readonly<Record<string, z.ZodType>> | undefined;

/**
 * As `ANSWERS`, for untrusted code: what a field is to become in a target's own words goes into DDL,
 * and is the user's alone to say.
 */
function untrustedAnswers(): Readonly<Record<string, z.ZodType>> {
  if (untrusted !== undefined) return untrusted;
  const field = Field.extend({ target_type: z.unknown().optional() })
    .transform(({ target_type: _, ...rest }): Field => rest);
  const fields = z.array(field);
  const own = {
    openTransforms: fields,
    getStreamFields: fields.optional(),
    discover: discovered(field),
  };
  return untrusted = { ...ANSWERS, ...own };
}

const Rows = z.object({ rows: count });
const Committing = z.object({ committing: z.record(z.string(), z.unknown()) });

const ExtractNews = z.union([
  z.object({ file: StagedFileShape }),
  z.object({ transform: z.object({ id: z.int(), bytes: z.instanceof(Uint8Array) }) }),
  z.object({ rows: count, bytes: count }),
]);

/** News by the job that tells them. */
const NEWS = {
  extract: ExtractNews,
  load: z.union([Rows, Committing]),
  finish: Committing,
  loadShare: z.union([Rows, z.object({ more: z.literal(true) })]),
} satisfies Record<string, z.ZodType>;

/** Holds what threads say to these shapes. */
export const CHECKS: ThreadChecks = {
  answer: (job, value, external) =>
    held(external ? untrustedAnswers() : ANSWERS, job, value, "answered"),
  news: (job, value) => held(NEWS, job, value, "told"),
};

/** A job that is in no table answers nothing. */
function held(
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
    `Cannot use what a thread ${how} to "${job}": ${path.join(".") || "it"} is wrong: ${message}`,
  );
}
