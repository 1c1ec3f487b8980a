/** Asks questions on the terminal. */
import type { IO } from "../terminal/stdio.ts";

/** Whether both stdin and stderr are terminals. */
export function canAsk({ stderr }: IO): boolean {
  return stderr.isTerminal && Deno.stdin.isTerminal();
}

/** Asks a question. An empty answer returns the default; the end of the input returns undefined. */
export async function ask(
  { stderr }: IO,
  question: string,
  standard: string,
): Promise<string | undefined> {
  stderr.write(`${question}${standard === "" ? "" : ` [${standard}]`}: `);
  const line = await readLine();
  return line === undefined ? undefined : line.trim() || standard;
}

/** Reads one line: a terminal delivers input line by line. */
async function readLine(): Promise<string | undefined> {
  const bytes = new Uint8Array(4096);
  const read = await Deno.stdin.read(bytes);
  return read === null ? undefined : new TextDecoder().decode(bytes.subarray(0, read));
}
