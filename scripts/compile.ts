// deno-lint-ignore-file no-console
/**
 * Builds dxt binaries: `deno task compile [--target TRIPLE…|--all] [--output PATH]
 * [--allow-net=…] [--allow-read=…] …`. Without permissions a binary has all of them and restricts
 * its workers; with any it has exactly these, whatever its command line says.
 */
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import config from "../deno.json" with { type: "json" };
import { findCause } from "./compile/cause.ts";
import { stage } from "./compile/stage.ts";
import { listThreads } from "./compile/threads.ts";
import { hasRuntime, parseTarget, type Target, TARGETS } from "./compile/targets.ts";

export interface Build {
  /** This machine by default. */
  readonly target?: Target;
  readonly output: string;
  /** Permission flags of `deno run`; all permissions if empty. */
  readonly permissions: readonly string[];
}

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** A binary could not be built. */
export class BuildError extends Error {}

/**
 * Builds one binary, with lazily imported packages embedded. Call {@linkcode checkTypes} before.
 *
 * @throws {BuildError} that names the target and the cause
 */
export async function build({ target, output, permissions }: Build): Promise<void> {
  await Deno.mkdir(dirname(output), { recursive: true });
  const folder = await Deno.makeTempDir({ prefix: "dxt-build-" });
  try {
    await stage(ROOT, folder);
    const { success, stderr } = await deno([
      "compile",
      "--quiet",
      "--no-check",
      "--no-prompt",
      "--exclude-unused-npm",
      "--frozen",
      // The cache would be a temporary file under a name that other users can take.
      "--no-code-cache",
      // By default it is the file name, so that two binaries of the same program would differ.
      "--app-name=dxt",
      ...(permissions.length === 0 ? ["--allow-all"] : permissions),
      // Several threads share the memory: see src/sandbox/garbage.ts.
      "--v8-flags=--expose-gc,--max-semi-space-size=2,--single-threaded-gc",
      ...(await listThreads(ROOT)).map((path) => `--include=${path}`),
      ...(target === undefined ? [] : [`--target=${target}`]),
      `--output=${resolve(output)}`,
      "main.ts",
    ], { cwd: folder, cache: join(folder, "cache"), ownRuntime: await hasRuntime(target) });
    if (success) return;
    throw new BuildError(`Cannot build for "${target ?? Deno.build.target}": ${findCause(stderr)}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** @throws {BuildError} with the type errors */
export async function checkTypes(): Promise<void> {
  const files = ["main.ts", ...await listThreads(ROOT)];
  const { success, stderr } = await deno(["check", "--quiet", ...files]);
  if (!success) throw new BuildError(`Cannot build dxt: type check failed\n${stderr}`);
}

interface Surroundings {
  readonly cwd?: string;
  /** Instead of this machine. */
  readonly cache?: string;
  /** With the runtime that DENORT_BIN names instead of the one that Deno downloads. */
  readonly ownRuntime?: boolean;
}

async function deno(args: readonly string[], around: Surroundings = {}) {
  const { cwd = ROOT, cache, ownRuntime = false } = around;
  const { DENORT_BIN = "", ...env } = Deno.env.toObject();
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    clearEnv: true,
    env: {
      ...env,
      NO_COLOR: "1",
      ...(ownRuntime ? { DENORT_BIN: resolve(DENORT_BIN) } : {}),
      ...(cache === undefined ? {} : { DENO_DIR: cache }),
    },
    stdout: "null",
    stderr: "piped",
  }).output();
  return { success, stderr: new TextDecoder().decode(stderr) };
}

/** A release's name for a binary: `dxt-0.1.0-x86_64-unknown-linux-gnu`. */
export function nameBinary(target: Target): string {
  return `dxt-${config.version}-${target}`;
}

export function getEnding(target: string): string {
  return target.includes("windows") ? ".exe" : "";
}

const PERMISSION = /^--(allow|deny)-(net|read|write|env|sys|run|ffi|import)(=.+)?$/;

/** @throws {Error} for an argument that is neither an option of these scripts nor a permission */
export function parseOptions(args: readonly string[]) {
  const permissions = args.filter((arg) => PERMISSION.test(arg));
  const { values } = parseArgs({
    args: args.filter((arg) => !PERMISSION.test(arg)),
    options: {
      target: { type: "string", multiple: true, default: [] },
      all: { type: "boolean", default: false },
      output: { type: "string" },
    },
  });
  const targets = values.all ? [...TARGETS] : values.target.map(parseTarget);
  return { targets, permissions, output: values.output };
}

/** The binaries to build, and their paths. */
export function listBuilds(args: readonly string[]): Build[] {
  const { targets, permissions, output } = parseOptions(args);
  if (targets.length === 0) {
    return [{ output: output ?? `dist/dxt${getEnding(Deno.build.target)}`, permissions }];
  }
  return targets.map((target) => ({
    target,
    permissions,
    output: targets.length === 1 && output !== undefined
      ? output
      : join(output ?? "dist", nameBinary(target) + getEnding(target)),
  }));
}

export async function formatFileSize(path: string): Promise<string> {
  return `${((await Deno.stat(path)).size / 1e6).toFixed(1)} MB`;
}

/** Builds one binary after another; prints failures and continues. */
export async function buildAll(builds: readonly Build[]): Promise<Build[]> {
  const built: Build[] = [];
  for (const one of builds) {
    try {
      await build(one);
      built.push(one);
      console.log(`${one.output}: ${await formatFileSize(one.output)}`);
    } catch (error) {
      if (!(error instanceof BuildError)) throw error;
      console.error(`error: ${error.message}`);
    }
  }
  return built;
}

/** Exits with 2 when the arguments are invalid, with 1 when a binary could not be built. */
export async function exiting(work: () => Promise<boolean>): Promise<never> {
  try {
    Deno.exit(await work() ? 0 : 1);
  } catch (error) {
    const isUsage = (error as { code?: string }).code?.startsWith("ERR_PARSE_ARGS") === true ||
      error instanceof RangeError;
    if (!isUsage && !(error instanceof BuildError)) throw error;
    console.error(`error: ${(error as Error).message}`);
    Deno.exit(isUsage ? 2 : 1);
  }
}

if (import.meta.main) {
  await exiting(async () => {
    const builds = listBuilds(Deno.args);
    await checkTypes();
    return (await buildAll(builds)).length === builds.length;
  });
}
