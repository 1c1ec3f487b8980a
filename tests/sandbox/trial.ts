/**
 * Loads the module that it is given and runs it in a cell, with the permissions that it is given:
 * `trial.ts '{"specifier": …, "settings": …, "permissions": …}'`. Prints the cell's answer as JSON.
 * Run by `deno run` and compiled.
 */
import { fileURLToPath } from "node:url";
import { type CodeSettings, loadCode } from "../../src/sandbox/modules/mod.ts";
import type { Answer } from "./cell.ts";

export interface TrialOptions {
  readonly specifier: string;
  readonly settings: Pick<CodeSettings, "directory" | "hosts">;
  readonly permissions: Readonly<Record<string, unknown>>;
  readonly argument?: unknown;
}

const CELL = new URL("./cell.ts", import.meta.url);
const SOURCES = fileURLToPath(new URL("../../", import.meta.url));

export async function trial(
  { specifier, settings, permissions, argument }: TrialOptions,
): Promise<Answer> {
  const code = await loadCode(specifier, settings);
  // A program from source reads its own modules.
  const own = Deno.build.standalone ? [] : [`${SOURCES}src`, `${SOURCES}tests/sandbox/cell.ts`];
  const read = [...permissions["read"] as string[] ?? [], ...own];
  const worker = new Worker(CELL, {
    type: "module",
    deno: {
      permissions: {
        ...{ net: false, write: false, env: false, run: false, ffi: false, sys: false },
        ...permissions,
        read: read.length === 0 ? false : read,
        import: false,
      },
    },
  } as WorkerOptions);
  try {
    return await new Promise<Answer>((done) => {
      worker.onmessage = ({ data }) => done(data);
      worker.onerror = (event) => {
        event.preventDefault();
        done({ error: `thread: ${event.message}` });
      };
      worker.postMessage({ code, argument });
    });
  } finally {
    worker.terminate();
  }
}

if (import.meta.main) {
  const answer = await trial(JSON.parse(Deno.args[0]!));
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(answer)));
  Deno.exit(0);
}
