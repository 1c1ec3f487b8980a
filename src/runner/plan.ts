/** What a pipeline means: each stream with its classes, sources and settings, before connecting. */
import { dirname, join, resolve } from "node:path";
import { type LoadedPipeline, LocatedError } from "../config/mod.ts";
import { DXTError } from "../core/errors.ts";
import type { ExtractorClass, LoaderClass, Provider } from "../core/provider.ts";
import type { BufferSettings } from "../models/buffer.ts";
import {
  CATEGORY_SOURCES,
  sourceOf,
  type StreamSource,
  type StreamTarget,
  targetOf,
} from "../models/source.ts";
import type { ClassReference, LoadMode, Stream } from "../models/stream.ts";
import { extractorOf, loaderOf, parseClassPath } from "../providers/resolve.ts";
import { type Endpoint, resolveEndpoint } from "./endpoint.ts";
import { firstIssue } from "./options.ts";

export interface StreamPlan {
  readonly pipeline: string;
  readonly stream: Stream;
  readonly source: StreamSource;
  readonly target: StreamTarget;
  readonly extractor: ExtractorClass;
  readonly extractorOptions: unknown;
  readonly loader: LoaderClass;
  readonly loaderOptions: unknown;
  readonly mode: LoadMode;
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
export async function planPipeline(loaded: LoadedPipeline): Promise<PipelinePlan> {
  const source = await resolveEndpoint(loaded, loaded.source);
  const target = await resolveEndpoint(loaded, loaded.target);
  const streams = loaded.pipeline.streams.map((stream, i) =>
    planStream(loaded, stream, i, source.provider, target.provider)
  );
  return { source, target, streams };
}

function planStream(
  loaded: LoadedPipeline,
  stream: Stream,
  index: number,
  from: Provider,
  to: Provider,
): StreamPlan {
  const at = (key: string, message: string) => loaded.errorAt(["streams", index, key], message);
  const buffer = loaded.pipeline.buffer ?? {};
  const source = typeof stream.source === "string"
    ? sourceOf(from.category, stream.source)
    : stream.source;
  const allowed: readonly string[] = CATEGORY_SOURCES[from.category];
  if (!allowed.includes(source.type)) {
    throw at(
      "source",
      `Cannot read a ${source.type} from ${from.name}: expected ${allowed.join(", ")}`,
    );
  }
  const target = stream.target === undefined || typeof stream.target === "string"
    ? targetOf(to.category, stream.target ?? stream.id)
    : stream.target;
  const writable = [...new Set(["x", "x/"].map((text) => targetOf(to.category, text).type))];
  if (!writable.includes(target.type)) {
    throw at(
      "target",
      `Cannot write a ${target.type} to ${to.name}: expected ${writable.join(", ")}`,
    );
  }
  const mode = stream.load?.mode ?? "append";
  const passthrough = buffer.format === "passthrough";
  const extractor = classWithOptions(
    stream.extractor ?? (passthrough ? firstOfFiles(from) : undefined),
    from,
    extractorOf,
    (message) => at("extractor", message),
  );
  const loader = classWithOptions(
    stream.loader,
    to,
    loaderOf,
    (message) => at("loader", message),
  );
  if ((extractor.chosen.yields === "files") !== passthrough) {
    throw at(
      "extractor",
      passthrough
        ? `Cannot pass files through: ${from.name} yields records, and the buffer's format is passthrough`
        : `Cannot stage files as ${
          buffer.format ?? "parquet"
        }: the extractor yields files, set buffer.format to passthrough`,
    );
  }
  if (passthrough && !loader.chosen.accepts.includes("files")) {
    throw at("target", `Cannot pass files through to ${to.name}: it loads records only`);
  }
  if (!loader.chosen.modes.includes(mode)) {
    throw at(
      "load",
      `Cannot ${mode} into ${to.name}: it can ${loader.chosen.modes.join(" and ")}`,
    );
  }
  return {
    pipeline: loaded.pipeline.name,
    stream,
    source,
    target,
    extractor: extractor.chosen,
    extractorOptions: extractor.options,
    loader: loader.chosen,
    loaderOptions: loader.options,
    mode,
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
    stageDirectory: join(pipeline, safeName(stream.id)),
    stageParents: [pipeline, ...(location === undefined ? [root, dirname(root)] : [])],
  };
}

/** One folder name for any id: `/` and a leading dot would leave the stage. */
function safeName(id: string): string {
  return encodeURIComponent(id).replace(/^\./, "%2E");
}

function firstOfFiles(provider: Provider): ClassReference | undefined {
  return Object.entries(provider.extractors)
    .find(([, extractor]) => extractor.yields === "files")
    ?.[0];
}

function classWithOptions<T extends ExtractorClass | LoaderClass>(
  reference: ClassReference | undefined,
  provider: Provider,
  choose: (provider: Provider, className: string | undefined) => T,
  at: (message: string) => Error,
): { chosen: T; options: unknown } {
  const path = typeof reference === "string" ? reference : reference?.class;
  const config = typeof reference === "object" ? reference.config ?? {} : {};
  try {
    const chosen = choose(provider, className(path, provider));
    const parsed = chosen.options.safeParse(config);
    if (parsed.success) return { chosen, options: parsed.data };
    const { message } = firstIssue(chosen.options, parsed.error);
    throw at(`Cannot configure "${path ?? provider.name}": ${message}`);
  } catch (error) {
    if (error instanceof DXTError && !(error instanceof LocatedError)) throw at(error.message);
    throw error;
  }
}

/** Name of the class in a provider's list: a bare word may be a class or the provider itself. */
function className(path: string | undefined, provider: Provider): string | undefined {
  if (path === undefined || path === provider.name) return undefined;
  const parsed = parseClassPath(path);
  if (parsed.className !== undefined) {
    if (parsed.provider === provider.name) return parsed.className;
    throw new DXTError(
      `Cannot use class "${path}" with a connection of ${provider.name}: it belongs to "${parsed.provider}"`,
    );
  }
  return parsed.provider === provider.name ? undefined : parsed.provider;
}
