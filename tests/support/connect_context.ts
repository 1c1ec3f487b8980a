import type { ConnectContext } from "../../src/core/contracts/provider.ts";

/** What a test opens a connection with; warnings are added to `warnings`, or dropped. */
export function connectContext(
  baseDirectory: string,
  signal: AbortSignal = new AbortController().signal,
  warnings: string[] = [],
): ConnectContext {
  return {
    baseDirectory,
    showValues: false,
    signal,
    warn: (message) => void warnings.push(message),
  };
}
