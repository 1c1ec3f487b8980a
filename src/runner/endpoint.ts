/** One end of a pipeline: its provider, and its connection's keys checked by that provider. */
import type { ConnectionSpec, LoadedPipeline } from "../config/mod.ts";
import type { Connector } from "../core/connector.ts";
import { ConnectionError, DXTError, messageOf, withoutSecrets } from "../core/errors.ts";
import type { Provider } from "../core/provider.ts";
import { firstIssue } from "./options.ts";
import { loadProvider, parseClassPath, providerOfURL } from "../providers/resolve.ts";

export interface Endpoint {
  readonly provider: Provider;
  /** Validated by the provider's schema. */
  readonly config: unknown;
  readonly baseDirectory: string;
}

type Path = readonly (string | number)[];

/** @throws {ConfigurationError} that names the place in the pipeline's file */
export async function resolveEndpoint(
  loaded: Pick<LoadedPipeline, "errorAt" | "parseAt">,
  spec: ConnectionSpec,
): Promise<Endpoint> {
  const at = (message: string, path: Path = []) =>
    loaded.errorAt([...spec.origin.path, ...path], message);
  let provider: Provider;
  let keys: Record<string, unknown>;
  try {
    const name = spec.provider !== ""
      ? parseClassPath(spec.provider).provider
      : providerOfURL(spec.url ?? "");
    provider = await loadProvider(name);
    const fromURL = spec.url === undefined ? {} : provider.fromURL(spec.url);
    keys = { ...fromURL as Record<string, unknown>, ...spec.config };
  } catch (error) {
    if (error instanceof DXTError) throw at(error.message);
    throw error;
  }
  const parsed = loaded.parseAt(spec.origin.path, provider.config, keys);
  if (!parsed.success) {
    const { message, path } = firstIssue(provider.config, parsed.error);
    throw at(`Cannot connect to ${provider.name}: ${message}`, path);
  }
  return { provider, config: parsed.data, baseDirectory: spec.baseDirectory };
}

/** Whether two ends are one and the same system. */
export function sameSystem(one: Endpoint, other: Endpoint): boolean {
  const text = ({ provider, config }: Endpoint) => JSON.stringify([provider.name, config]);
  return text(one) === text(other);
}

/** Opens the connection of an end. */
export async function connect(endpoint: Endpoint, signal: AbortSignal): Promise<Connector> {
  const { provider, config, baseDirectory } = endpoint;
  try {
    return await provider.connect(config, { baseDirectory, signal });
  } catch (error) {
    if (error instanceof DXTError || signal.aborted) throw error;
    throw new ConnectionError(
      `Cannot connect to ${provider.name}: ${withoutSecrets(messageOf(error))}`,
      { cause: error },
    );
  }
}
