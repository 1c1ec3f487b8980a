import type { ConnectContext } from "../../src/core/contracts/provider.ts";

/** The context of a test's connection. Warnings are added to `warnings`, statements to `statements`. */
export function connectContext(
  baseDirectory: string,
  signal: AbortSignal = new AbortController().signal,
  warnings: string[] = [],
  statements: string[] = [],
): ConnectContext {
  return {
    baseDirectory,
    showValues: false,
    signal,
    warn: (message) => void warnings.push(message),
    trace: (statement) => void statements.push(statement),
  };
}
