/** Jobs that describe an external module while a pipeline is planned. */
import { parseTyped } from "../../../config/validation/zod_validate.ts";
import type { Permissions } from "../../../core/contracts/provider.ts";
import { firstIssue } from "../../../providers/options.ts";
import {
  type Checked,
  checkOptions,
  connectionKeys,
  describeProvider,
  extractorInfo,
  findTargetPath,
  listNeeds,
  loaderInfo,
  type ProviderInfo,
} from "../../../providers/provider_info.ts";
import {
  externalExtractor,
  externalLoader,
  externalTransform,
  importProvider,
} from "./external_classes.ts";
import type { ClassInput, ConnectionInput, PlainEndpoint, TargetInput } from "./protocol.ts";

export async function describe(module: string): Promise<ProviderInfo> {
  return describeProvider(await importProvider(module));
}

export async function checkConnection(
  { module, variables, ...written }: ConnectionInput,
): Promise<Checked> {
  const provider = await importProvider(module);
  const known = new Set(variables.map((path) => JSON.stringify(path)));
  const isVariable = (path: readonly unknown[]) => known.has(JSON.stringify(path));
  const parsed = parseTyped(provider.config, connectionKeys(provider, written), isVariable);
  return parsed.success
    ? { value: parsed.data }
    : { issue: firstIssue(provider.config, parsed.error) };
}

export async function needs(
  { module, config, baseDirectory }: Omit<PlainEndpoint, "showValues" | "traces">,
): Promise<Permissions> {
  const usage = { baseDirectory, reads: [], writes: [] };
  return listNeeds(await importProvider(module), config, usage);
}

export async function targetPath({ target, ...endpoint }: TargetInput): Promise<string[]> {
  const { module, config, baseDirectory } = endpoint;
  return findTargetPath(await importProvider(module), config, target, baseDirectory);
}

export async function checkClass({ module, kind, name, config }: ClassInput) {
  if (kind === "extractor") {
    const found = await externalExtractor(module, name);
    return { info: extractorInfo(found), options: checkOptions(found.options, config) };
  }
  if (kind === "transform") {
    const { options } = await externalTransform(module, name);
    return { info: {}, options: checkOptions(options, config) };
  }
  const found = await externalLoader(module, name);
  return { info: loaderInfo(found), options: checkOptions(found.options, config) };
}
