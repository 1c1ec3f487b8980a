/** The same program, from its source and compiled. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { type Ended, program } from "../cli/program.ts";
import { binaryTest, outcomeOf } from "../support/binary.ts";
import { ignoreIf } from "../support/ignore.ts";

/** Runs dxt in a folder with these arguments and variables. */
export type Run = (
  folder: string,
  args: readonly string[],
  env?: Record<string, string>,
) => Promise<Ended>;

/** A test for each of the two; without a binary one is ignored. */
export function inBothModes(name: string, work: (dxt: Run) => Promise<void>): void {
  Deno.test(`${name}, from source`, () => work(program));
  const binary = binaryTest();
  Deno.test({
    ...ignoreIf(binary.missing, `${name}, compiled`),
    fn: () => work((cwd, args, env = {}) => outcomeOf([binary.path, ...args], { cwd, env })),
  });
}

/** Writes a file: text, or an object as YAML's JSON. */
export async function write(folder: string, name: string, content: unknown): Promise<void> {
  const text = typeof content === "string" ? content : JSON.stringify(content);
  await Deno.writeTextFile(join(folder, name), text);
}

export const clean = ({ code, err }: Ended): void => assert.equal(code, 0, err);
