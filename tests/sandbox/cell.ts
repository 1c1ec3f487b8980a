/** A thread for the tests: confines itself, imports external code, and tells what its default export returns. */
import { confineWorker } from "../../src/sandbox/confine.ts";
import type { ExternalCode } from "../../src/sandbox/modules/code.ts";
import { onUncaught, openPort } from "../../src/sandbox/port.ts";

/** Instead of an order: a file to import as text, in a thread that is not confined. */
export interface BareOrder {
  readonly bare: string;
}

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

async function importBare(path: string): Promise<void> {
  try {
    const { default: text } = await import(`file://${path}`, { with: { type: "text" } });
    post({ value: text });
  } catch (error) {
    post({ error: textOf(error) });
  }
}

port.listen(async (message) => {
  if ("bare" in (message as BareOrder)) return await importBare((message as BareOrder).bare);
  const { code, argument } = message as Order;
  try {
    const { importExternal } = await confineWorker([code], {
      onOutput: (output) => post({ output }),
    });
    const { default: exported } = await importExternal(code.entry);
    const value = typeof exported === "function" ? await exported(argument, port.post) : exported;
    post({ value });
  } catch (error) {
    post({ error: textOf(error) });
  }
});
