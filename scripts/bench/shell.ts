/** Runs the bash scripts of the bench. */

export type Variables = Readonly<Record<string, string>>;

/** Working directory and variables of a script. */
export interface Place {
  readonly cwd: string;
  readonly env: Variables;
}

/** A script ends at its first failed command, and can call the compiled dxt as `dxt`. */
const PRELUDE = `set -eo pipefail
dxt() { "$DENO" run -A --v8-flags=--expose-gc,--max-semi-space-size=2,--single-threaded-gc "$MAIN" "$@"; }
sql() { psql -qAtX -v ON_ERROR_STOP=1 -d "$@"; }
`;

/** The command line that runs a script. */
export function bash(script: string): string[] {
  return ["bash", "-c", PRELUDE + script];
}

/** Runs a script and returns its output. @throws {Error} with the reason when it fails */
export async function shell(script: string, { cwd, env }: Place): Promise<string> {
  const [program, ...args] = bash(script);
  const output = await new Deno.Command(program!, {
    args,
    cwd,
    env,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  const [out, errors] = [output.stdout, output.stderr].map((b) => new TextDecoder().decode(b));
  if (!output.success) throw new Error(errorLine(errors!) ?? `exit code ${output.code}`);
  return out!;
}

/** Longer lines are truncated. */
const LINE_CHARS = 200;

/** The most informative line of a program's stderr. */
export function errorLine(errors: string): string | undefined {
  // deno-lint-ignore no-control-regex -- colours
  const lines = errors.replace(/\x1b\[[\d;]*m/g, "").split("\n").map((line) => line.trim())
    .filter((line) => line !== "" && !line.endsWith(":") && !/\b(INFO?|LOG|NOTICE)\b/.test(line));
  const telling = /\b(error|fatal|failed|cannot|could not|unable)\b|(Error|Exception): /i;
  return (lines.find((line) => telling.test(line)) ?? lines.at(-1))?.slice(0, LINE_CHARS);
}
