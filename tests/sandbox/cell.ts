/** A thread for the tests: confines itself, imports external code, and tells what its default export returns. */
import { confine } from "../../src/sandbox/confine.ts";
import type { ExternalCode } from "../../src/sandbox/modules/code.ts";
import { onUncaught, openPort } from "../../src/sandbox/port.ts";

export interface Order {
  readonly code: ExternalCode;
  /** For the default export, when it is a function. */
  readonly argument?: unknown;
}

export type Answer =
  | { readonly value: unknown }
  | { readonly error: string; readonly bound?: string }
  | { readonly output: string };

const port = openPort();
const post = (answer: Answer) => port.post(answer);
const textOf = (error: unknown) =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

onUncaught((error) => post({ error: `uncaught ${textOf(error)}` }));

port.listen(async (message) => {
  const { code, argument } = message as Order;
  try {
    const { importExternal } = await confine([code], { onOutput: (output) => post({ output }) });
    const { default: exported } = await importExternal(code.entry);
    const value = typeof exported === "function" ? await exported(argument, port.post) : exported;
    post({ value });
  } catch (error) {
    post({ error: textOf(error) });
  }
});
