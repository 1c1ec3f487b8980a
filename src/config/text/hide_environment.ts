/** Variables that Node's build of `yaml` looks for, to trace what it does. */
const LOOKED_FOR = ["LOG_STREAM", "LOG_TOKENS"];

/**
 * Does what must not need a permission to read the environment: while it lasts, packages find it
 * empty where the process may not read it.
 */
export function hideEnvironment<T>(work: () => T): T {
  const isReadable = LOOKED_FOR.every((variable) =>
    Deno.permissions.querySync({ name: "env", variable }).state === "granted"
  );
  if (isReadable || Deno.build.standalone) return work();
  const { process } = globalThis as unknown as { process: { env: unknown } };
  const { env } = process;
  process.env = {};
  try {
    return work();
  } finally {
    process.env = env;
  }
}
