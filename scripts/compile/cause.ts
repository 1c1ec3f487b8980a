/**
 * Formats an error of `deno compile` on one line: its causes from the outermost to the innermost,
 * each of which often ends with the text of the next.
 */
export function findCause(stderr: string): string {
  const lines = stderr.split(/^Stack backtrace:/m)[0]!.split("\n").map((line) => line.trim());
  const causes = lines.flatMap((line) => /^\d+: (.+)$/.exec(line)?.[1] ?? []);
  if (causes.length === 0) {
    return lines.filter((line) => line !== "").join(" ").replace(/^error: /, "");
  }
  return causes.reduce((message, cause) => {
    const more = cause.replace(/\.$/, "");
    return message.includes(more) ? message : message === "" ? more : `${message}: ${more}`;
  }, "");
}
