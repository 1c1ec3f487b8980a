/** Commands in messages, for the user to copy. */
import { shellWord } from "../../core/permission_errors.ts";
import type { VerifyLevel } from "../../models/stream.ts";
import type { Variables } from "./context.ts";

interface CommandOptions extends Pick<Variables, "envFile" | "vars"> {
  readonly threads?: number | undefined;
  readonly fullRefresh?: boolean;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly limit?: number | undefined;
  readonly verify?: VerifyLevel | undefined;
}

/**
 * The command that does this phase of these streams, with the options that choose what it reads.
 *
 * @param command its words
 */
export function commandText(
  command: string,
  pipeline: string,
  streams: readonly string[],
  { envFile, vars, threads, fullRefresh, since, until, limit, verify }: CommandOptions,
): string {
  const given = (name: string, value: string | number | undefined) =>
    value === undefined ? [] : [name, String(value)];
  const words = [
    ...["dxt", ...command.split(" "), pipeline, "--select", streams.join(",")],
    ...(command === "load" ? [] : [
      ...(fullRefresh ? ["--full-refresh"] : []),
      ...given("--since", since),
      ...given("--until", until),
      ...given("--limit", limit),
    ]),
    ...(command === "extract" ? [] : given("--verify", verify)),
    ...given("--threads", threads),
    ...given("--env-file", envFile),
    // The printer masks a value that is a secret.
    ...vars.flatMap(([name, value]) => ["--var", `${name}=${value}`]),
  ];
  return words.map(shellWord).join(" ");
}
