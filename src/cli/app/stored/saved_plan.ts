/** Files of saved plans: `dxt plan --save` writes one, `dxt run --plan` follows it or refuses. */
import { createHash } from "node:crypto";
import { basename, dirname, extname, join, relative, resolve } from "node:path";
import type { LoadedPipeline } from "../../../config/mod.ts";
import { ConfigurationError, messageOf, StalePlanError } from "../../../core/errors.ts";
import { formatJSONFile, readJSONFile } from "../../../core/files/json_file.ts";
import { PendingFile } from "../../../core/files/pending_file.ts";
import { suggestFile } from "../../../core/files/suggest_file.ts";
import { shellWord } from "../../../core/permission_errors.ts";
import { type PlanRecord, SavedPlan } from "../../../models/plan.ts";
import type { Preview, PreviewOptions } from "../../../runner/mod.ts";
import type { RunScope } from "../connections.ts";
import { type Context, omitUndefined } from "../context.ts";

/** Version of the files. */
const VERSION = 1;

/** Options of a scope that a saved plan holds. */
const CHOICES = [
  "select",
  "exclude",
  "fullRefresh",
  "since",
  "until",
  "limit",
  "verify",
] as const;

/** A saved plan that a run follows. */
export interface OpenedPlan {
  readonly path: string;
  readonly plan: SavedPlan;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256: string;
}

/**
 * Checks, before anything is planned, that a plan can be saved to this path.
 *
 * @throws {ConfigurationError} without a pipeline file, or for a file that is no plan
 */
export async function checkPlanFile(path: string, { pipeline }: RunScope): Promise<void> {
  if (pipeline === undefined) {
    throw new ConfigurationError(
      `Cannot save plan "${path}": a saved plan refers to a pipeline file, expected a PIPELINE instead of --from and --to`,
    );
  }
  await readPlan("save", path);
}

/** Saves a plan, in place of an earlier one; one that would stop or fail is not saved. */
export async function savePlan(
  path: string,
  preview: Preview,
  scope: RunScope,
  context: Context,
): Promise<void> {
  const { printer } = context;
  const { pipeline, status } = preview.result;
  if (status !== "ready") {
    printer.warning(`The plan is not saved: a run of "${pipeline}" would stop or fail`);
    return;
  }
  const folder = dirname(resolve(path));
  const options = Object.fromEntries(CHOICES.map((name) => [name, scope[name] || undefined]));
  writePlan(path, {
    dxt: context.io.version,
    saved_at: new Date().toISOString(),
    file: relative(folder, resolve(scope.pipeline!)),
    options: omitUndefined(options),
    ...await recordMasked(preview, crypto.randomUUID(), context),
  });
  printer.progress(pipeline, `the plan is saved, run it with: dxt run --plan ${shellWord(path)}`);
}

function writePlan(path: string, plan: SavedPlan): void {
  try {
    using file = new PendingFile(
      join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}.tmp`),
    );
    file.write(formatJSONFile(VERSION, plan));
    file.publish(path);
  } catch (error) {
    throw new ConfigurationError(`Cannot save plan "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Names and statements of a plan may hold secrets, as variables in them do. */
async function recordMasked(
  preview: Preview,
  salt: string,
  { printer }: Context,
): Promise<PlanRecord> {
  const { recordPlan } = await import("../../../runner/mod.ts");
  return printer.masked(recordPlan(preview, salt)) as PlanRecord;
}

/**
 * Opens a saved plan, and returns the scope of its run: the plan's own pipeline, streams and records.
 *
 * @throws {ConfigurationError} for a file that is no plan
 * @throws {StalePlanError} for a plan of another version of dxt
 */
export async function openPlan<T extends RunScope>(
  path: string,
  scope: T,
  { io }: Pick<Context, "io">,
): Promise<T & { readonly saved: OpenedPlan }> {
  const given = CHOICES.find((name) => scope[name] !== undefined && scope[name] !== false);
  if (given !== undefined) {
    const option = given === "fullRefresh" ? "full-refresh" : given;
    throw new ConfigurationError(
      `Cannot run plan "${path}" with --${option}: the plan already says what is moved and verified, expected no --${option}`,
    );
  }
  const found = await readPlan("run", path);
  if (found === undefined) {
    const near = await suggestFile(path, (name) => extname(name) === extname(path));
    throw new ConfigurationError(`Cannot run plan "${path}": no such file${near}`);
  }
  const { plan } = found;
  if (plan.dxt !== io.version) {
    throw new StalePlanError(
      `Cannot run plan "${path}": it was made by dxt ${plan.dxt}, this is dxt ${io.version}; make a new plan`,
    );
  }
  const pipeline = scope.pipeline ?? relative(Deno.cwd(), resolve(dirname(path), plan.file));
  return { ...scope, ...plan.options, pipeline, saved: { path, ...found } };
}

/** @throws {StalePlanError} when a run would not do what the saved plan says */
export async function comparePlan(
  { path, plan }: OpenedPlan,
  preview: Preview,
  context: Context,
): Promise<void> {
  const { refuseChanges } = await import("../../../runner/mod.ts");
  refuseChanges(path, plan, await recordMasked(preview, plan.salt, context));
}

/**
 * Plans a run once more, right before it begins.
 *
 * @throws {StalePlanError} as {@linkcode comparePlan}
 */
export async function verifyPlan(
  saved: OpenedPlan,
  loaded: LoadedPipeline,
  options: PreviewOptions,
  context: Context,
): Promise<void> {
  const { previewPipeline } = await import("../../../runner/mod.ts");
  await comparePlan(saved, await previewPipeline(loaded, options), context);
}

/** Returns undefined if the file does not exist. */
async function readPlan(
  doing: "run" | "save",
  path: string,
): Promise<Omit<OpenedPlan, "path"> | undefined> {
  const refuse = (detail: string, cause?: unknown) =>
    new ConfigurationError(`Cannot ${doing} plan "${path}": ${detail}`, { cause });
  const kept = doing === "save" ? ", expected a new name or a saved plan; the file is kept" : "";
  try {
    const plan = await readJSONFile(
      path,
      VERSION,
      SavedPlan,
      (detail) => refuse(`the file is no saved plan (${detail})${kept}`),
    );
    if (plan === undefined) return undefined;
    const sha256 = createHash("sha256").update(await Deno.readFile(path)).digest("hex");
    return { plan, sha256 };
  } catch (error) {
    throw error instanceof ConfigurationError ? error : refuse(messageOf(error), error);
  }
}
