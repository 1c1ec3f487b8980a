/** Collects what is known of a failed run in files for another person: secrets masked, values of rows left out. */
import { type LoadedPipeline, maskFile } from "../../../config/mod.ts";
import { messageOf } from "../../../core/errors.ts";
import type { KeptStage, TrialResult } from "../../../runner/mod.ts";
import { maskStrings } from "../../output/secret_mask.ts";
import { readVariable } from "../../terminal/stdio.ts";
import type { Context } from "../context.ts";
import type { FailedRun } from "./find_run.ts";
import { findRowPlace } from "./find_row.ts";
import { listNamesIn, maskStrictly, ValueRedactor } from "./value_redactor.ts";
import type { BundleFile } from "./write_bundle.ts";

/** What the files are written from. */
export interface FailureSources {
  /** Path of the pipeline file; undefined if neither the user nor the run names it. */
  readonly path: string | undefined;
  /** Undefined if it cannot be loaded now; then `problems` says why. */
  readonly loaded: LoadedPipeline | undefined;
  readonly run: FailedRun | undefined;
  /** What source and target said when they were asked now; undefined if they were not. */
  readonly servers: readonly TrialResult[] | undefined;
  /** What could not be read, and how a run leaves more. */
  readonly problems: readonly string[];
  readonly withValues: boolean;
}

/** A file, and what is in it. */
export interface DescribedFile extends BundleFile {
  readonly about: string;
}

export async function collectFailure(
  sources: FailureSources,
  context: Context,
): Promise<DescribedFile[]> {
  const { path, loaded, run, withValues } = sources;
  const { describePlan, listKeptStages } = await import("../../../runner/mod.ts");
  const problems = [...sources.problems];
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      problems.push(`${what}: ${messageOf(error)}`);
      return undefined;
    }
  };
  const plan = loaded && await attempt("plan", () => describePlan(loaded));
  const stages = (loaded && await attempt("stages", () => listKeptStages(loaded))) ?? [];
  const text = path === undefined
    ? undefined
    : await attempt("pipeline", () => Deno.readTextFile(path));
  const safe = new SafeTexts(context, listKnownNames(sources, plan, stages), withValues);
  const failure = {
    ...describeRun(run, stages),
    pipeline_file: path,
    servers: sources.servers ?? "not asked",
    ...describeMachine(loaded, context),
    permissions: loaded && await attempt("permissions", () => listPermissions(loaded)),
    problems,
  };
  const file = (name: string, about: string, value: unknown): DescribedFile[] =>
    value === undefined ? [] : [{ name, about, text: safe.json(value) }];
  return [
    ...file("failure.json", "errors with their places, statements, versions, permissions", failure),
    ...(text === undefined ? [] : [{
      name: "pipeline.yaml",
      about: "the pipeline as written, secrets masked",
      text: safe.secrets(maskFile({ path: path!, text })),
    }]),
    ...file("plan.json", "each stream with its classes and settings", plan),
    ...(stages.length === 0
      ? []
      : file("stages.json", "kept stages: fields, files and counts, no row", stages)),
    ...file("receipt.json", "the receipt of the run", run?.receipt?.receipt),
    ...(run === undefined || run.lines.length === 0 ? [] : [{
      name: "log.jsonl",
      about: `${run.lines.length} lines of the log`,
      text: run.lines.map((line) => safe.json(line, 0)).join(""),
    }]),
  ];
}

/** Masks secrets, and redacts values of rows unless they are wanted. */
class SafeTexts {
  readonly #values: ValueRedactor | undefined;

  constructor(private readonly context: Context, names: Set<string>, withValues: boolean) {
    this.#values = withValues ? undefined : new ValueRedactor(names);
  }

  /** Only secrets are masked. */
  secrets(text: string): string {
    return maskStrictly(this.context.printer.maskedText(text));
  }

  json(value: unknown, indent = 2): string {
    const shown = this.#values === undefined ? value : this.#values.json(value);
    const masked = maskStrings(this.context.printer.masked(shown), maskStrictly);
    return `${JSON.stringify(masked, null, indent)}\n`;
  }
}

function listKnownNames(
  { path, loaded, run }: FailureSources,
  plan: object | undefined,
  stages: readonly KeptStage[],
): Set<string> {
  const names = listNamesIn([path, plan, stages, loaded?.environment, loaded?.directory]);
  for (const { stream, target, stage } of run?.result?.streams ?? []) {
    listNamesIn([stream, target, stage], names);
  }
  for (const { event, level } of run?.lines ?? []) listNamesIn([event, level], names);
  return names;
}

function describeRun(run: FailedRun | undefined, stages: readonly KeptStage[]): object {
  if (run === undefined) return { run: "no failed run was found" };
  const { result, lines } = run;
  const statements = lines.filter(({ event }) => event === "statement");
  return {
    run_id: run.id,
    status: result?.status ??
      "ended without a result: it was killed, or an error ended the command",
    started_at: run.startedAt,
    dxt_of_the_run: lines.find(({ event }) => event === "run_started")?.["dxt"] ?? "unknown",
    errors: lines.filter(({ event }) => event === "error").map((line) => line["message"]),
    streams: (result?.streams ?? []).filter(({ status }) => status !== "succeeded")
      .map((stream) => ({
        stream: stream.stream,
        status: stream.status,
        error: stream.error,
        place: findRowPlace(stream, stages),
        rows_extracted: stream.rows_extracted,
        rows_loaded: stream.rows_loaded,
        last_statements: statements.filter((line) => line["stream"] === stream.stream).slice(-5)
          .map(({ side, statement }) => ({ side, statement })),
        warnings: stream.warnings,
      })),
  };
}

/** Names of variables, and whether they are set: never their values. */
function describeMachine(loaded: LoadedPipeline | undefined, { io }: Context): object {
  const isSet = (name: string) => readVariable(io.env, name) !== undefined;
  return {
    versions: { dxt: io.version, ...Deno.version, os: Deno.build.os, arch: Deno.build.arch },
    environment: Object.fromEntries(
      (loaded?.environment ?? []).map((name) => [name, isSet(name) ? "set" : "not set"]),
    ),
  };
}

async function listPermissions(loaded: LoadedPipeline): Promise<readonly string[]> {
  const { formatFlags, permissionsOfPipeline } = await import("../../../runner/mod.ts");
  return formatFlags(await permissionsOfPipeline(loaded, { purpose: "run" }));
}
