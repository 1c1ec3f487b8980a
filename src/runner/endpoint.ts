/** One end of a pipeline: its provider, and its connection's keys checked by that provider. */
import type { ConnectionSpec, LoadedPipeline } from "../config/mod.ts";
import type { Connector } from "../core/connector.ts";
import { ConnectionError, DXTError, messageOf, withoutSecrets } from "../core/errors.ts";
import { nearest } from "../core/nearest.ts";
import type { Provider } from "../core/provider.ts";
import { loadProvider, parseClassPath, providerOfURL } from "../providers/resolve.ts";

export interface Endpoint {
  readonly provider: Provider;
  /** Validated by the provider's schema. */
  readonly config: unknown;
  readonly baseDirectory: string;
}

type Path = readonly (string | number)[];
type IssueList = NonNullable<ReturnType<Provider["config"]["safeParse"]>["error"]>;

/** @throws {ConfigurationError} that names the place in the pipeline's file */
export async function resolveEndpoint(
  loaded: LoadedPipeline,
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
  const parsed = provider.config.safeParse(keys);
  if (!parsed.success) throw at(...firstIssue(provider, parsed.error));
  return { provider, config: parsed.data, baseDirectory: spec.baseDirectory };
}

function firstIssue(provider: Provider, error: IssueList): [string, Path] {
  const issue = error.issues[0]!;
  const path = issue.path.filter((part) => typeof part !== "symbol");
  if (issue.code === "unrecognized_keys") {
    const known = Object.keys(schemaShape(provider.config));
    const key = issue.keys[0]!;
    return [
      `Cannot connect to ${provider.name}: unknown key "${key}"${nearest(key, known)}` +
      (known.length > 0 ? `; known are ${known.join(", ")}` : ""),
      [...path, key],
    ];
  }
  const name = path.length === 0 ? "" : ` key "${path.join(".")}"`;
  return [`Cannot connect to ${provider.name}:${name} ${issue.message}`, path];
}

/** Keys of an object schema; none for a schema of another shape. */
export function schemaShape(schema: unknown): Record<string, unknown> {
  const shape = (schema as { shape?: unknown }).shape;
  return typeof shape === "object" && shape !== null ? shape as Record<string, unknown> : {};
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
