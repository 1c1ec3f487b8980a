/**
 * What a plan needs to know of a provider before anything connects: its classes, whether options are
 * valid, and the permissions it needs. All of it is plain data, since untrusted code runs in a worker.
 */
import type {
  ExtractorClass,
  LoaderClass,
  Permissions,
  Provider,
  Usage,
} from "../core/contracts/provider.ts";
import { NOTHING } from "../core/permissions.ts";
import type { Category, StreamTarget } from "../models/source.ts";
import { firstIssue, type OptionIssue } from "./options.ts";

export type ExtractorInfo = Pick<ExtractorClass, "yields" | "splitsByField">;
export type LoaderInfo = Pick<
  LoaderClass,
  | "modes"
  | "accepts"
  | "overlaps"
  | "ownRows"
  | "aggregates"
  | "rejects"
  | "replacesWhere"
  | "deletesMissing"
>;

/** A provider without its code. */
export interface ProviderInfo {
  readonly name: string;
  readonly category: Category;
  readonly connectionsPerThread: number;
  /** By class name; the first is the default. */
  readonly extractors: Readonly<Record<string, ExtractorInfo>>;
  readonly loaders: Readonly<Record<string, LoaderInfo>>;
}

/** Parsed options, or the first issue. */
export type Checked =
  | { readonly value: unknown }
  | { readonly issue: OptionIssue };

export function describeProvider(
  { name, category, connectionsPerThread = 1, extractors, loaders }: Provider,
): ProviderInfo {
  return {
    name,
    category,
    connectionsPerThread,
    extractors: mapValues(extractors, extractorInfo),
    loaders: mapValues(loaders, loaderInfo),
  };
}

/** A connection as the pipeline writes it. */
export interface WrittenConnection {
  readonly url?: string | undefined;
  /** They take precedence over those of the URL. */
  readonly keys: Readonly<Record<string, unknown>>;
  readonly baseDirectory: string;
}

/** Merges the URL and the keys of a connection; keys take precedence. */
export function connectionKeys(
  { urls }: Pick<Provider, "urls">,
  { url, keys, baseDirectory }: WrittenConnection,
): Record<string, unknown> {
  if (url === undefined) return { ...keys };
  return { ...urls === undefined ? { url } : urls.parse(url, baseDirectory) as object, ...keys };
}

export function extractorInfo({ yields, splitsByField }: ExtractorInfo): ExtractorInfo {
  return { yields, ...(splitsByField === undefined ? {} : { splitsByField }) };
}

export function loaderInfo(
  { modes, accepts, overlaps, ownRows, aggregates, rejects, replacesWhere, deletesMissing }:
    LoaderInfo,
): LoaderInfo {
  const own = ownRows === undefined ? {} : { ownRows: [...ownRows] };
  return {
    ...{ modes: { ...modes }, accepts: [...accepts], overlaps, ...own },
    ...(aggregates === undefined ? {} : { aggregates }),
    ...(rejects === undefined ? {} : { rejects: [...rejects] }),
    ...(replacesWhere === undefined ? {} : { replacesWhere }),
    ...(deletesMissing === undefined ? {} : { deletesMissing }),
  };
}

function mapValues<T, R>(
  all: Readonly<Record<string, T>>,
  change: (one: T) => R,
): Record<string, R> {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, change(one)]));
}

type Schema = Provider["config"];

/** Validates options with the schema of a class. */
export function checkOptions(options: Schema, config: unknown): Checked {
  const parsed = options.safeParse(config);
  return parsed.success ? { value: parsed.data } : { issue: firstIssue(options, parsed.error) };
}

/** Path that identifies a target. For a provider without `targetPath`, each name is a target. */
export function findTargetPath(
  provider: Provider,
  config: unknown,
  target: StreamTarget,
  baseDirectory: string,
): string[] {
  const path = provider.targetPath?.(config, target, baseDirectory);
  return path === undefined ? [JSON.stringify(target)] : [...path];
}

/** The permissions that a connection needs, as plain data. */
export function listNeeds(provider: Provider, config: unknown, usage: Usage): Permissions {
  return { ...NOTHING, ...provider.permissions(config, usage) };
}
