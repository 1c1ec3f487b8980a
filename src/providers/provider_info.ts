/**
 * What a plan asks of code before anything connects: what it is, whether its options are right, what
 * it needs. Everything is plain data, since code of others is asked in a thread of its own.
 */
import type {
  ExtractorClass,
  LoaderClass,
  Permissions,
  Provider,
  Usage,
} from "../core/contracts/provider.ts";
import type { Category, StreamTarget } from "../models/source.ts";
import { firstIssue, type OptionIssue } from "./options.ts";

export type ExtractorInfo = Pick<ExtractorClass, "yields" | "splitsByField">;
export type LoaderInfo = Pick<LoaderClass, "modes" | "accepts" | "overlaps" | "ownRows">;

/** A provider without its code. */
export interface ProviderInfo {
  readonly name: string;
  readonly category: Category;
  readonly connectionsPerThread: number;
  /** By class name; the first is the default. */
  readonly extractors: Readonly<Record<string, ExtractorInfo>>;
  readonly loaders: Readonly<Record<string, LoaderInfo>>;
}

/** Options as their schema made them, or what is wrong with them. */
export type Checked =
  | { readonly value: unknown }
  | { readonly issue: OptionIssue };

export function infoOf(
  { name, category, connectionsPerThread = 1, extractors, loaders }: Provider,
): ProviderInfo {
  return {
    name,
    category,
    connectionsPerThread,
    extractors: mapped(extractors, extractorInfo),
    loaders: mapped(loaders, loaderInfo),
  };
}

/** Keys of a connection that a file gives as URL, as keys, or as both: its own keys win. */
export function connectionKeys(
  { urls }: Pick<Provider, "urls">,
  url: string | undefined,
  keys: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  if (url === undefined) return { ...keys };
  return { ...urls === undefined ? { url } : urls.parse(url) as object, ...keys };
}

export function extractorInfo({ yields, splitsByField }: ExtractorInfo): ExtractorInfo {
  return { yields, ...(splitsByField === undefined ? {} : { splitsByField }) };
}

export function loaderInfo({ modes, accepts, overlaps, ownRows }: LoaderInfo): LoaderInfo {
  const own = ownRows === undefined ? {} : { ownRows: [...ownRows] };
  return { modes: { ...modes }, accepts: [...accepts], overlaps, ...own };
}

function mapped<T, R>(all: Readonly<Record<string, T>>, change: (one: T) => R): Record<string, R> {
  return Object.fromEntries(Object.entries(all).map(([name, one]) => [name, change(one)]));
}

type Schema = Provider["config"];

/** Options against the schema of a class. */
export function checkOptions(options: Schema, config: unknown): Checked {
  const parsed = options.safeParse(config);
  return parsed.success ? { value: parsed.data } : { issue: firstIssue(options, parsed.error) };
}

/** Where a target lies; of a provider that does not say, each name is another target. */
export function targetPathOf(
  provider: Provider,
  config: unknown,
  target: StreamTarget,
  baseDirectory: string,
): string[] {
  const path = provider.targetPath?.(config, target, baseDirectory);
  return path === undefined ? [JSON.stringify(target)] : [...path];
}

/** The least that a connection needs, as plain data. */
export function needsOf(provider: Provider, config: unknown, usage: Usage): Permissions {
  const { net, read, write, env } = provider.permissions(config, usage);
  return { net: [...net], read: [...read], write: [...write], env: [...env] };
}
