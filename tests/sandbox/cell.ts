/** A thread for the tests: confines itself, imports external code, and tells what its default export returns. */
import { confine } from "../../src/sandbox/confine.ts";
import type { ExternalCode } from "../../src/sandbox/modules/code.ts";

export interface Order {
  readonly code: ExternalCode;
  /** For the default export, when it is a function. */
  readonly argument?: unknown;
}

export type Answer =
  | { readonly value: unknown }
  | { readonly error: string }
  | { readonly output: string };

interface Scope {
  postMessage(message: Answer): void;
  onmessage: ((event: { data: Order }) => void) | null;
}

const scope = globalThis as unknown as Scope;
const post = scope.postMessage.bind(scope);

/** Text of what cannot be cloned. */
function plain(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return String(value);
  }
}

globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  post({ error: `unhandled: ${event.reason}` });
});

scope.onmessage = async ({ data: { code, argument } }) => {
  try {
    const { importExternal } = await confine([code], { onOutput: (output) => post({ output }) });
    const { default: exported } = await importExternal(code.entry);
    const value = typeof exported === "function" ? await exported(argument) : exported;
    post({ value: plain(value) });
  } catch (error) {
    post({ error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) });
  }
};
