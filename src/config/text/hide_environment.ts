/** Runs the YAML library without permission to read the environment. */

/** Trace variables that the Node build of `yaml` reads. */
const TRACE_VARIABLES = ["LOG_STREAM", "LOG_TOKENS"];

/**
 * Runs `work`, for which packages see an empty environment if the process may not read the trace
 * variables.
 */
export function hideEnvironment<T>(work: () => T): T {
  const isReadable = TRACE_VARIABLES.every((variable) =>
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
