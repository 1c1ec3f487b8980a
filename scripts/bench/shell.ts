/** Scripts of the bench: bash, with what each of them may use. */

export type Variables = Readonly<Record<string, string>>;

/** Where a script runs and what it knows. */
export interface Place {
  readonly cwd: string;
  readonly env: Variables;
}

/** A script fails with its first command that fails, and has dxt as a command. */
const PRELUDE = `set -eo pipefail
dxt() { "$DENO" run -A "$MAIN" "$@"; }
sql() { psql -qAtX -v ON_ERROR_STOP=1 -d "$@"; }
`;

/** The command line that runs a script. */
export function bash(script: string): string[] {
  return ["bash", "-c", PRELUDE + script];
}

/** Runs a script to its end; returns what it printed. @throws {Error} with what it said of its failure */
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
  if (!output.success) throw new Error(`${script.trim()}: ${errors!.trim()}`);
  return out!;
}
