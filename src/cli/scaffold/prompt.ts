/** Asks questions on the terminal. */
import type { Input, IO } from "../terminal/stdio.ts";

/** Whether both stdin and stderr are terminals. */
export function canAsk({ stdin, stderr }: IO): boolean {
  return stderr.isTerminal && stdin.isTerminal;
}

/** Asks a question. An empty answer returns the default; the end of the input returns undefined. */
export async function ask(
  { stdin, stderr }: IO,
  question: string,
  standard: string,
): Promise<string | undefined> {
  stderr.write(`${question}${standard === "" ? "" : ` [${standard}]`}: `);
  const line = await readLine(stdin);
  return line === undefined ? undefined : line.trim() || standard;
}

/** Reads one line: a terminal delivers input line by line. */
async function readLine(stdin: Input): Promise<string | undefined> {
  const bytes = new Uint8Array(4096);
  const read = await stdin.read(bytes);
  return read === null ? undefined : new TextDecoder().decode(bytes.subarray(0, read));
}
