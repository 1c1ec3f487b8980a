/** The whole program, in a folder of its own, its output in pipes. */
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

export interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs dxt with these arguments and permissions, all permissions when absent. */
export function program(
  folder: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  permissions: readonly string[] = ["-A"],
): Promise<Ended> {
  const options = ["run", "--no-prompt", "--no-check", ...permissions, MAIN];
  return runCommand(Deno.execPath(), [...options, ...args], folder, env);
}

/** Runs a command; only these variables and those that every process needs are set. */
export async function runCommand(
  command: string,
  args: string[],
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<Ended> {
  const kept = ["PATH", "HOME", "DENO_DIR", "TMPDIR"].flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const { code, stdout, stderr } = await new Deno.Command(command, {
    args,
    cwd: folder,
    clearEnv: true,
    env: { ...Object.fromEntries(kept), NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, err: err! };
}
