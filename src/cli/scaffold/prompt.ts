/** Questions to whoever sits at the terminal. */
import type { IO } from "../terminal/stdio.ts";

/** Whether there is somebody to ask: never in a pipe, neither of answers nor of questions. */
export function canAsk({ stderr }: IO): boolean {
  return stderr.isTerminal && Deno.stdin.isTerminal();
}

/** The answer to a question, or the default for an empty one; undefined when the input ended. */
export async function ask(
  { stderr }: IO,
  question: string,
  standard: string,
): Promise<string | undefined> {
  stderr.write(`${question}${standard === "" ? "" : ` [${standard}]`}: `);
  const line = await readLine();
  return line === undefined ? undefined : line.trim() || standard;
}

/** A terminal gives a line at a time. */
async function readLine(): Promise<string | undefined> {
  const bytes = new Uint8Array(4096);
  const read = await Deno.stdin.read(bytes);
  return read === null ? undefined : new TextDecoder().decode(bytes.subarray(0, read));
}
