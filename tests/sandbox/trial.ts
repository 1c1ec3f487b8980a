/**
 * Loads the module that it is given and runs it in a cell, with the permissions that it is given:
 * `trial.ts '{"specifier": …, "settings": …, "permissions": …}'`. Prints the cell's answer as JSON.
 * Run by `deno run` and compiled.
 */
import { fileURLToPath } from "node:url";
import {
  BoundedThread,
  BoundError,
  BOUNDS,
  type Bounds,
  type ThreadPermissions,
} from "../../src/sandbox/bounds.ts";
import { type CodeSettings, loadCode } from "../../src/sandbox/modules/mod.ts";
import type { Answer } from "./cell.ts";

export interface TrialOptions {
  readonly specifier: string;
  readonly settings: Pick<CodeSettings, "directory" | "hosts">;
  readonly permissions?: ThreadPermissions;
  readonly bounds?: Partial<Bounds>;
  readonly argument?: unknown;
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
      thread.onmessage = ({ data }) => done(data as Answer);
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
  const answer = await trial(JSON.parse(Deno.args[0]!));
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(answer)));
  Deno.exit(0);
}
