/**
 * Loads modules and runs each in a cell of its own, with the permissions that it is given:
 * `trial.ts FILE`, a JSON list of {@linkcode TrialOptions}. Prints the cells' answers as a JSON list
 * in the last line. Run by `deno run` and compiled.
 */
import { fileURLToPath } from "node:url";
import { BoundedThread, BoundError, BOUNDS, type Bounds } from "../../src/sandbox/bounds.ts";
import { type CodeSettings, loadCode } from "../../src/sandbox/modules/mod.ts";
import type { Answer } from "./cell.ts";

export interface TrialOptions {
  readonly specifier: string;
  readonly settings: Pick<CodeSettings, "directory" | "hosts">;
  readonly permissions?: Deno.PermissionOptionsObject;
  readonly bounds?: Partial<Bounds>;
  readonly argument?: unknown;
}

/** The last word of a cell; external code may send what it wants besides. */
function isAnswer(data: unknown): data is Answer {
  return typeof data === "object" && data !== null && ("value" in data || "error" in data);
}

const CELL = new URL("./cell.ts", import.meta.url);
const SOURCES = fileURLToPath(new URL("../../", import.meta.url));

const NOTHING = { net: false, write: false, env: false, run: false, ffi: false, sys: false };

export async function trial(
  { specifier, settings, permissions = {}, bounds = {}, argument }: TrialOptions,
): Promise<Answer> {
  const code = await loadCode(specifier, settings);
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
      thread.postMessage({ code, argument });
    });
  } finally {
    thread.terminate();
  }
}

if (import.meta.main) {
  const trials: TrialOptions[] = JSON.parse(await Deno.readTextFile(Deno.args[0]!));
  const answers: Answer[] = [];
  for (const options of trials) {
    answers.push(
      await trial(options).catch((error): Answer => ({ error: `host: ${error.message}` })),
    );
  }
  await new Blob([`\n${JSON.stringify(answers)}`]).stream().pipeTo(Deno.stdout.writable);
  Deno.exit(0);
}
