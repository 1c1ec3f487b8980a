/** Plans a pipeline without connecting: the classes, sources, targets and settings of each stream. */
import { createHash } from "node:crypto";
import { dirname, join, resolve } from "node:path";
import { type LoadedPipeline, publicVariables } from "../../config/mod.ts";
import type { OwnRows } from "../../core/contracts/loader.ts";
import type { BufferSettings } from "../../models/buffer.ts";
import {
  CATEGORY_SOURCES,
  parseSource,
  parseTarget,
  type StreamSource,
  type StreamTarget,
} from "../../models/source.ts";
import type { LoadMode, Stream } from "../../models/stream.ts";
import type { ExtractorInfo, LoaderInfo, ProviderInfo } from "../../providers/provider_info.ts";
import { chooseClass, chooseTransforms, type Chosen, type StreamPlace } from "./class_choice.ts";
import { type Endpoint, resolveEndpoint } from "./endpoint.ts";
import { ModuleInspectors } from "./module_inspector.ts";
import { planSharedTargets } from "./shared_targets.ts";
import { checkStream } from "./stream_checks.ts";
import { openThreads } from "../worker/pool.ts";

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
  /** Folder of the stream's dead letters, and dxt's own folder around it; unset if the pipeline names one. */
  readonly letters: { readonly folder: string; readonly own?: string | undefined };
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
  source: Endpoint,
  target: Endpoint,
  inspectors: ModuleInspectors,
): Promise<StreamPlan> {
  const buffer = loaded.pipeline.buffer ?? {};
  const place: StreamPlace = {
    loaded,
    inspectors,
    at: (key, message) => loaded.errorAt(["streams", index, key], message),
  };
  const files = buffer.format === "passthrough" ? findFileExtractor(source.provider) : undefined;
  const plan: StreamPlan = {
    pipeline: loaded.pipeline.name,
    stream,
    source: resolveSource(stream, source.provider, place),
    target: resolveTarget(stream, target.provider, place),
    extractor: await chooseClass<ExtractorInfo>(
      "extractor",
      source,
      stream.extractor ?? files,
      place,
    ),
    loader: await chooseClass<LoaderInfo>("loader", target, stream.loader, place),
    transforms: await chooseTransforms(stream.transforms ?? [], place),
    mode: stream.load?.mode ?? "append",
    sharedWith: [],
    buffer,
    ...stageFolders(loaded, stream),
    letters: letterFolder(loaded, stream),
  };
  checkStream(plan, source.provider, target.provider, place);
  return plan;
}

/** @throws {ConfigurationError} for a kind of source that the provider does not have */
function resolveSource(
  { source: written }: Stream,
  { name, category }: ProviderInfo,
  { at }: StreamPlace,
): StreamSource {
  const source = typeof written === "string" ? parseSource(category, written) : written;
  const known: readonly string[] = CATEGORY_SOURCES[category];
  if (known.includes(source.type)) return source;
  throw at("source", `Cannot read a ${source.type} from ${name}: expected ${known.join(", ")}`);
}

/** @throws {ConfigurationError} for a kind of target that the provider does not have */
function resolveTarget(
  { id, target: written = id }: Stream,
  { name, category }: ProviderInfo,
  { at }: StreamPlace,
): StreamTarget {
  const target = typeof written === "string" ? parseTarget(category, written) : written;
  const known = [...new Set(["x", "x/"].map((text) => parseTarget(category, text).type))];
  if (known.includes(target.type)) return target;
  throw at("target", `Cannot write a ${target.type} to ${name}: expected ${known.join(", ")}`);
}

const OWN = ".dxt";
const STAGE = join(OWN, "stage");
const LETTERS = join(OWN, "dead_letters");

/** The folder of a stream's stage, and those around it that dxt makes. */
export function stageFolders(
  loaded: LoadedPipeline,
  stream: Pick<Stream, "id">,
): Pick<StreamPlan, "stageDirectory" | "stageParents"> {
  const { location } = loaded.pipeline.buffer ?? {};
  const root = resolve(loaded.directory, location ?? STAGE);
  const pipeline = join(root, safeName(loaded.pipeline.name));
  return {
    stageDirectory: join(pipeline, `${safeName(stream.id)}${variant(loaded)}`),
    stageParents: [pipeline, ...(location === undefined ? [root, dirname(root)] : [])],
  };
}

/** The folder of a stream's dead letters. */
function letterFolder(
  loaded: LoadedPipeline,
  { id, error_handling }: Pick<Stream, "id" | "error_handling">,
): StreamPlan["letters"] {
  const { dead_letters } = error_handling ?? {};
  const root = resolve(loaded.directory, dead_letters ?? LETTERS);
  return {
    folder: join(root, safeName(loaded.pipeline.name), `${safeName(id)}${variant(loaded)}`),
    ...(dead_letters === undefined ? { own: resolve(loaded.directory, OWN) } : {}),
  };
}

/**
 * What tells the stages of runs with other variables apart, such as one for each of several tenants;
 * empty for a pipeline without variables.
 */
function variant(loaded: LoadedPipeline): string {
  const known = VARIANTS.get(loaded) ?? describeVariant(loaded);
  VARIANTS.set(loaded, known);
  return known;
}

/** Each stream asks for it, and to find the secrets among the variables all streams are searched. */
const VARIANTS = new WeakMap<LoadedPipeline, string>();

function describeVariant(loaded: LoadedPipeline): string {
  const values = publicVariables(loaded);
  if (Object.keys(values).length === 0) return "";
  const digest = createHash("sha256").update(JSON.stringify(values)).digest("hex");
  return `@${digest.slice(0, 12)}`;
}

/** One folder name for any id: `/` and a leading dot would leave the stage. */
function safeName(id: string): string {
  return encodeURIComponent(id).replace(/^\./, "%2E");
}

/** Name of the provider's first extractor of whole files. */
function findFileExtractor({ extractors }: ProviderInfo): string | undefined {
  return Object.keys(extractors).find((name) => extractors[name]!.yields === "files");
}
