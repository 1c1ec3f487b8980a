/** Plans a pipeline without connecting: the classes, sources, targets and settings of each stream. */
import { createHash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { type LoadedPipeline, LocatedError, publicVariables } from "../../config/mod.ts";
import { DXTError } from "../../core/errors.ts";
import type { OwnRows } from "../../core/contracts/loader.ts";
import type { BufferSettings } from "../../models/buffer.ts";
import {
  CATEGORY_SOURCES,
  parseSource,
  parseTarget,
  type StreamSource,
  type StreamTarget,
} from "../../models/source.ts";
import type { ClassChoice, ClassReference, LoadMode, Stream } from "../../models/stream.ts";
import {
  type ClassPath,
  isExternal,
  nameOfClass,
  parseClassPath,
} from "../../providers/resolve.ts";
import {
  type Checked,
  type ExtractorInfo,
  type LoaderInfo,
  type ProviderInfo,
} from "../../providers/provider_info.ts";
import type { ExternalCode } from "../../sandbox/modules/mod.ts";
import { type Endpoint, resolveEndpoint } from "./endpoint.ts";
import { ModuleInspectors } from "./module_inspector.ts";
import { planSharedTargets } from "./shared_targets.ts";
import type { ClassKind, PlainClass } from "../worker/inside/protocol.ts";
import { openThreads } from "../worker/pool.ts";

/** A class that a stream uses, with its options checked. */
export type Chosen<Info> = Info & PlainClass & {
  /** The module of an external class. */
  readonly code?: ExternalCode;
};

export interface StreamPlan {
  readonly pipeline: string;
  readonly stream: Stream;
  readonly source: StreamSource;
  readonly target: StreamTarget;
  readonly extractor: Chosen<ExtractorInfo>;
  readonly loader: Chosen<LoaderInfo>;
  readonly transforms: readonly Chosen<object>[];
  readonly mode: LoadMode;
  /** Rows of the target that the stream's watermark is taken from; all of them when unset. */
  readonly ownRows?: OwnRows;
  /** Ids of the other streams that write into its target, or into what the target holds. */
  readonly sharedWith: readonly string[];
  readonly buffer: BufferSettings;
  /** Folder of the stream's stage. */
  readonly stageDirectory: string;
  /** Folders around it that dxt makes, from the inside out. */
  readonly stageParents: readonly string[];
}

export interface PipelinePlan {
  readonly source: Endpoint;
  readonly target: Endpoint;
  readonly streams: readonly StreamPlan[];
}

/**
 * Checks everything that can be known without connecting.
 *
 * @throws {ConfigurationError} that names the place in the pipeline's file
 */
export function planPipeline(loaded: LoadedPipeline): Promise<PipelinePlan> {
  const planned = PLANS.get(loaded) ?? plan(loaded);
  PLANS.set(loaded, planned);
  return planned;
}

/** Commands plan a pipeline more than once, and each plan would load its external modules. */
const PLANS = new WeakMap<LoadedPipeline, Promise<PipelinePlan>>();

async function plan(loaded: LoadedPipeline): Promise<PipelinePlan> {
  using threads = openThreads(loaded);
  using inspectors = new ModuleInspectors(threads);
  const source = await resolveEndpoint(loaded, loaded.source, inspectors);
  const target = await resolveEndpoint(loaded, loaded.target, inspectors);
  const streams: StreamPlan[] = [];
  for (const [i, stream] of loaded.pipeline.streams.entries()) {
    streams.push(await planStream(loaded, stream, i, source, target, inspectors));
  }
  return { source, target, streams: await planSharedTargets(loaded, target, streams) };
}

async function planStream(
  loaded: LoadedPipeline,
  stream: Stream,
  index: number,
  sourceEnd: Endpoint,
  targetEnd: Endpoint,
  inspectors: ModuleInspectors,
): Promise<StreamPlan> {
  const [from, to] = [sourceEnd.provider, targetEnd.provider];
  const at = (key: string, message: string) => loaded.errorAt(["streams", index, key], message);
  const buffer = loaded.pipeline.buffer ?? {};
  const source = typeof stream.source === "string"
    ? parseSource(from.category, stream.source)
    : stream.source;
  const allowed: readonly string[] = CATEGORY_SOURCES[from.category];
  if (!allowed.includes(source.type)) {
    throw at(
      "source",
      `Cannot read a ${source.type} from ${from.name}: expected ${allowed.join(", ")}`,
    );
  }
  const target = stream.target === undefined || typeof stream.target === "string"
    ? parseTarget(to.category, stream.target ?? stream.id)
    : stream.target;
  const writable = [...new Set(["x", "x/"].map((text) => parseTarget(to.category, text).type))];
  if (!writable.includes(target.type)) {
    throw at(
      "target",
      `Cannot write a ${target.type} to ${to.name}: expected ${writable.join(", ")}`,
    );
  }
  const mode = stream.load?.mode ?? "append";
  const passthrough = buffer.format === "passthrough";
  const context = { loaded, inspectors };
  const extractor = await choose<ExtractorInfo>("extractor", sourceEnd, {
    reference: stream.extractor ?? (passthrough ? firstOfFiles(from) : undefined),
    ...context,
    at: (message) => at("extractor", message),
  });
  const loader = await choose<LoaderInfo>("loader", targetEnd, {
    reference: stream.loader,
    ...context,
    at: (message) => at("loader", message),
  });
  if (typeof stream.extract?.partition === "object" && extractor.splitsByField !== true) {
    throw at(
      "extract",
      `Cannot read in parts by "${stream.extract.partition.field}": ${extractor.name} of ${from.name} cuts no source by a field, expected partition "auto" or "none"`,
    );
  }
  const transforms: Chosen<object>[] = [];
  for (const reference of stream.transforms ?? []) {
    const wrong = (message: string) => at("transforms", message);
    transforms.push(await chooseTransform(reference, { ...context, at: wrong }));
  }
  if (passthrough && transforms.length > 0) {
    throw at("transforms", "Cannot transform files that are passed through: they have no records");
  }
  if ((extractor.yields === "files") !== passthrough) {
    throw at(
      "extractor",
      passthrough
        ? `Cannot pass files through: ${from.name} yields records, and the buffer's format is passthrough`
        : `Cannot stage files as ${
          buffer.format ?? "parquet"
        }: the extractor yields files, set buffer.format to passthrough`,
    );
  }
  if (passthrough && !loader.accepts.includes("files")) {
    throw at("target", `Cannot pass files through to ${to.name}: it loads records only`);
  }
  if (!(mode in loader.modes)) {
    throw at(
      "load",
      `Cannot ${mode} into ${to.name}: it can ${Object.keys(loader.modes).join(" and ")}`,
    );
  }
  return {
    pipeline: loaded.pipeline.name,
    stream,
    source,
    target,
    extractor,
    loader,
    transforms,
    mode,
    sharedWith: [],
    buffer,
    ...stageFolders(loaded, stream),
  };
}

const STAGE = join(".dxt", "stage");

function stageFolders(loaded: LoadedPipeline, stream: Stream) {
  const { location } = loaded.pipeline.buffer ?? {};
  const root = resolve(loaded.directory, location ?? STAGE);
  const pipeline = join(root, safeName(loaded.pipeline.name));
  return {
    stageDirectory: join(pipeline, `${safeName(stream.id)}${variant(loaded)}`),
    stageParents: [pipeline, ...(location === undefined ? [root, dirname(root)] : [])],
  };
}

/**
 * What tells the stages of runs with other variables apart, such as one for each of several tenants;
 * empty for a pipeline without variables.
 */
function variant(loaded: LoadedPipeline): string {
  const values = publicVariables(loaded);
  if (Object.keys(values).length === 0) return "";
  const digest = createHash("sha256").update(JSON.stringify(values)).digest("hex");
  return `@${digest.slice(0, 12)}`;
}

/** One folder name for any id: `/` and a leading dot would leave the stage. */
function safeName(id: string): string {
  return encodeURIComponent(id).replace(/^\./, "%2E");
}

function firstOfFiles(provider: ProviderInfo): string | undefined {
  return Object.entries(provider.extractors)
    .find(([, extractor]) => extractor.yields === "files")
    ?.[0];
}

interface Choice {
  readonly reference: ClassChoice | undefined;
  readonly loaded: LoadedPipeline;
  readonly inspectors: ModuleInspectors;
  at(message: string): Error;
}

/** The class that a stream names, or the first of its connection's provider. */
async function choose<Info>(
  kind: ClassKind,
  endpoint: Endpoint,
  { reference, loaded, inspectors, at }: Choice,
): Promise<Chosen<Info>> {
  const path = typeof reference === "string" ? reference : reference?.class;
  const config = typeof reference === "object" ? reference.config ?? {} : {};
  try {
    const parsed = path === undefined ? undefined : parseClassPath(path);
    const chosen = parsed !== undefined && isExternal(parsed.provider)
      ? await externalClass<Info>(kind, parsed, config, loaded, inspectors)
      : await ownClass<Info>(kind, endpoint, classNameOf(path, endpoint), config);
    if ("value" in chosen.options) {
      return { ...chosen, options: chosen.options.value } as Chosen<Info>;
    }
    const { message } = chosen.options.issue;
    throw at(`Cannot configure "${path ?? endpoint.provider.name}": ${message}`);
  } catch (error) {
    if (error instanceof DXTError && !(error instanceof LocatedError)) throw at(error.message);
    throw error;
  }
}

/** Every transform is external: dxt has none of its own. */
async function chooseTransform(
  reference: ClassReference,
  { loaded, inspectors, at }: Omit<Choice, "reference">,
): Promise<Chosen<object>> {
  const { class: path, config = {} } = typeof reference === "string"
    ? { class: reference }
    : reference;
  const parsed = parseClassPath(path);
  try {
    if (!isExternal(parsed.provider)) {
      throw new DXTError(
        `Cannot use "${path}" as transform: expected a URL or a path such as ./clean.ts#Clean`,
      );
    }
    const chosen = await externalClass<object>("transform", parsed, config, loaded, inspectors);
    if ("value" in chosen.options) return { ...chosen, options: chosen.options.value };
    throw at(`Cannot configure "${path}": ${chosen.options.issue.message}`);
  } catch (error) {
    if (error instanceof DXTError && !(error instanceof LocatedError)) throw at(error.message);
    throw error;
  }
}

type Unchecked<Info> = Omit<Chosen<Info>, "options"> & { readonly options: Checked };

async function externalClass<Info>(
  kind: ClassKind,
  { provider: module, className }: ClassPath,
  config: unknown,
  loaded: LoadedPipeline,
  inspectors: ModuleInspectors,
): Promise<Unchecked<Info>> {
  const inspector = inspectors.of(loaded, module, loaded.directory);
  const name = className ?? "default";
  const { info, options } = await inspector.checkClass({ kind, name, config });
  const code = await inspector.code;
  return { ...info as Info, name, module: code.entry, code, options } as Unchecked<Info>;
}

/** A class of the connection's own provider. */
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
function classNameOf(path: string | undefined, { provider, module }: Endpoint): string | undefined {
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
