/**
 * Loads modules and runs each in a cell of its own, with the permissions that it is given:
 * `trial.ts FILE`, a JSON list of {@linkcode TrialOptions}. Prints the cells' answers as a JSON list
 * in the last line. Run by `deno run` and compiled.
 */
import { fileURLToPath } from "node:url";
import { BoundedThread, BoundError, BOUNDS, type Bounds } from "../../src/sandbox/bounds.ts";
import { type CodeSettings, loadCode } from "../../src/sandbox/modules/mod.ts";
import type { Answer, BareOrder, Order } from "./cell.ts";

export interface TrialOptions {
  readonly specifier: string;
  readonly settings: Pick<CodeSettings, "directory" | "hosts">;
  readonly permissions?: Deno.PermissionOptionsObject;
  readonly bounds?: Partial<Bounds>;
  readonly argument?: unknown;
  /** Whether the specifier is a file that a thread is to import without being confined. */
  readonly bare?: boolean;
}

/** The last word of a cell; external code may send what it wants besides. */
function isAnswer(data: unknown): data is Answer {
  return typeof data === "object" && data !== null && ("value" in data || "error" in data);
}

const CELL = new URL("./cell.ts", import.meta.url);
const SOURCES = fileURLToPath(new URL("../../", import.meta.url));

const NOTHING = { net: false, write: false, env: false, run: false, ffi: false, sys: false };

export async function trial(
  { specifier, settings, permissions = {}, bounds = {}, argument, bare }: TrialOptions,
): Promise<Answer> {
  const order: Order | BareOrder = bare === true
    ? { bare: specifier }
    : { code: await loadCode(specifier, settings), argument };
  // A program from source reads its own modules.
  const own = Deno.build.standalone ? [] : [`${SOURCES}src`, `${SOURCES}tests/sandbox/cell.ts`];
  const read = [...(permissions["read"] ?? []) as string[], ...own];
  const thread = new BoundedThread(CELL, {
    permissions: {
      ...{ ...NOTHING, ...permissions },
      ...{ read: read.length === 0 ? false : read, import: false },
    },
    bounds: { ...BOUNDS, ...bounds },
  });
  try {
    return await new Promise<Answer>((done) => {
      thread.onmessage = ({ data }) => {
        if (isAnswer(data)) done(data);
      };
      thread.onend = (error) =>
        done({
          error: error.message,
          ...(error instanceof BoundError ? { bound: error.bound } : {}),
        });
      thread.postMessage(order);
    });
  } finally {
    thread.terminate();
  }
}

if (import.meta.main) {
  const trials: TrialOptions[] = JSON.parse(await Deno.readTextFile(Deno.args[0]!));
  const answers: Answer[] = [];
  // A thread inside a thread takes half a second to start, in which nothing is done.
  const work = async () => {
    for (let i = next++; i < trials.length; i = next++) {
      const failed = (error: Error): Answer => ({ error: `host: ${error.message}` });
      answers[i] = await trial(trials[i]!).catch(failed);
    }
  };
  let next = 0;
  await Promise.all([work(), work(), work(), work()]);
  await new Blob([`\n${JSON.stringify(answers)}`]).stream().pipeTo(Deno.stdout.writable);
  Deno.exit(0);
}
