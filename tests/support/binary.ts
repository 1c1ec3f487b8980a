import { whyMissing } from "./services.ts";

/** The compiled dxt as tests see it: a path, or the reason why a test is ignored. */
export interface TestBinary {
  readonly path: string;
  /** Why there is none; undefined when there is one. */
  readonly missing: string | undefined;
}

/** The binary that `deno task test` made. */
export function binaryTest(): TestBinary {
  const path = Deno.env.get("DXT_TEST_BINARY") ?? "";
  return {
    path,
    missing: path === ""
      ? whyMissing("DXT_TEST_BINARY", "deno task test makes the binary")
      : undefined,
  };
}

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command whose environment is `env` alone. */
export async function outcomeOf(
  command: readonly string[],
  { cwd, env = {} }: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<Outcome> {
  const { code, stdout, stderr } = await new Deno.Command(command[0]!, {
    args: command.slice(1),
    clearEnv: true,
    env,
    stdin: "null",
    ...(cwd === undefined ? {} : { cwd }),
  }).output();
  const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { code, out: out!, err: err! };
}
