/** Opens connections, in the worker that uses them. */
import type { Connector } from "../../../core/contracts/connector.ts";
import { ConnectionError, DXTError, maskSecrets, messageOf } from "../../../core/errors.ts";
import type { Provider } from "../../../core/contracts/provider.ts";
import { sendStatement, sendWarning } from "../../../sandbox/serve.ts";
import { hideLiterals } from "./hide_literals.ts";

/** A connection's provider with its code, and its keys checked. */
export interface Connectable {
  readonly provider: Provider;
  readonly config: unknown;
  readonly baseDirectory: string;
  readonly showValues: boolean;
  readonly traces: boolean;
}

export async function connect(
  { provider, config, baseDirectory, showValues, traces }: Connectable,
  signal: AbortSignal,
): Promise<Connector> {
  const trace = traces
    ? (statement: string, doubleQuoted?: boolean) =>
      sendStatement(hideLiterals(statement, doubleQuoted))
    : undefined;
  try {
    return await provider.connect(config, {
      baseDirectory,
      showValues,
      signal,
      warn: sendWarning,
      trace,
    });
  } catch (error) {
    if (error instanceof DXTError || signal.aborted) throw error;
    throw new ConnectionError(
      `Cannot connect to ${provider.name}: ${maskSecrets(messageOf(error))}`,
      { cause: error },
    );
  }
}
