/** Chooses the extractor, the loader and the transforms of a stream, and validates their options. */
import { type LoadedPipeline, LocatedError } from "../../config/mod.ts";
import { DXTError } from "../../core/errors.ts";
import type { ClassChoice, ClassReference } from "../../models/stream.ts";
import type { Checked, ProviderInfo } from "../../providers/provider_info.ts";
import {
  type ClassPath,
  isExternal,
  nameOfClass,
  parseClassPath,
} from "../../providers/resolve.ts";
import type { ExternalCode } from "../../sandbox/modules/mod.ts";
import type { ClassKind, PlainClass } from "../worker/inside/protocol.ts";
import type { Endpoint } from "./endpoint.ts";
import type { ModuleInspectors } from "./module_inspector.ts";

/** A class that a stream uses, with its validated options. */
export type Chosen<Info> = Info & PlainClass & {
  /** The module of an external class. */
  readonly code?: ExternalCode;
};

/** A stream's place in the pipeline's file, and the inspectors of its external classes. */
export interface StreamPlace {
  readonly loaded: LoadedPipeline;
  readonly inspectors: ModuleInspectors;
  /** Creates an error at a key of the stream. */
  at(key: string, message: string): Error;
}

/** Chooses the class that a stream names, or the first one of its connection's provider. */
export async function chooseClass<Info>(
  kind: "extractor" | "loader",
  endpoint: Endpoint,
  choice: ClassChoice | undefined,
  place: StreamPlace,
): Promise<Chosen<Info>> {
  const { class: path, config = {} } = typeof choice === "string"
    ? { class: choice }
    : choice ?? {};
  return await configure(kind, path ?? endpoint.provider.name, place, async () => {
    const parsed = path === undefined ? undefined : parseClassPath(path);
    return parsed !== undefined && isExternal(parsed.provider)
      ? await externalClass<Info>(kind, parsed, config, place)
      : await ownClass<Info>(kind, endpoint, findClassName(path, endpoint), config);
  });
}

/** Finds a provider's first extractor that has records, as it is without options. */
export function findRecordExtractor(
  { extractors }: Pick<ProviderInfo, "extractors">,
): PlainClass | undefined {
  const found = Object.entries(extractors).find(([, { yields }]) => yields === "records");
  return found && { name: found[0], options: undefined };
}

/** Chooses the transforms of a stream. All of them are external, since dxt has none of its own. */
export async function chooseTransforms(
  references: readonly ClassReference[],
  place: StreamPlace,
): Promise<Chosen<object>[]> {
  const chosen: Chosen<object>[] = [];
  for (const reference of references) {
    const { class: path, config = {} } = typeof reference === "string"
      ? { class: reference }
      : reference;
    const transform = await configure<object>("transforms", path, place, async () => {
      const parsed = parseClassPath(path);
      if (isExternal(parsed.provider)) {
        return await externalClass("transform", parsed, config, place);
      }
      throw new DXTError(
        `Cannot use "${path}" as transform: expected a URL or a path such as ./clean.ts#Clean`,
      );
    });
    chosen.push(transform);
  }
  return chosen;
}

/** Finds a class and returns it with its validated options; errors name the key of the stream. */
async function configure<Info>(
  key: string,
  path: string,
  { at }: StreamPlace,
  find: () => Promise<Unchecked<Info>>,
): Promise<Chosen<Info>> {
  try {
    const chosen = await find();
    const { options } = chosen;
    if ("value" in options) return { ...chosen, options: options.value } as Chosen<Info>;
    throw at(key, `Cannot configure "${path}": ${options.issue.message}`);
  } catch (error) {
    if (error instanceof DXTError && !(error instanceof LocatedError)) throw at(key, error.message);
    throw error;
  }
}

type Unchecked<Info> = Omit<Chosen<Info>, "options"> & { readonly options: Checked };

async function externalClass<Info>(
  kind: ClassKind,
  { provider: module, className }: ClassPath,
  config: unknown,
  { loaded, inspectors }: StreamPlace,
): Promise<Unchecked<Info>> {
  const inspector = inspectors.of(loaded, module, loaded.directory);
  const name = className ?? "default";
  const { info, options } = await inspector.checkClass({ kind, name, config });
  const code = await inspector.code;
  return { ...info as Info, name, module: code.entry, code, options } as Unchecked<Info>;
}

/** Finds a class of the connection's own provider. */
async function ownClass<Info>(
  kind: ClassKind,
  { provider, checkOptions }: Endpoint,
  className: string | undefined,
  config: unknown,
): Promise<Unchecked<Info>> {
  const infos = kind === "extractor" ? provider.extractors : provider.loaders;
  const name = nameOfClass(provider.name, kind, infos, className);
  const info = (infos as Readonly<Record<string, unknown>>)[name] as Info;
  return { ...info, name, options: await checkOptions(kind, name, config) } as Unchecked<Info>;
}

/** Name of the class in a provider's list: a bare word may be a class or the provider itself. */
function findClassName(
  path: string | undefined,
  { provider, module }: Endpoint,
): string | undefined {
  if (path === undefined || path === provider.name) return undefined;
  const parsed = parseClassPath(path);
  if (parsed.className !== undefined) {
    if (parsed.provider === module) return parsed.className;
    throw new DXTError(
      `Cannot use class "${path}" with a connection of ${provider.name}: it belongs to "${parsed.provider}"`,
    );
  }
  return parsed.provider === module ? undefined : parsed.provider;
}
