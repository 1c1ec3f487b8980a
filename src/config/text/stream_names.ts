/** Reads ids and tags for shell completions, without validating the pipeline. */
import { parse } from "yaml";
import { requirePermission } from "../../core/permission_errors.ts";
import { isWildcard } from "../../models/wildcard.ts";
import { hideEnvironment } from "./hide_environment.ts";

export interface StreamNames {
  readonly ids: readonly string[];
  readonly tags: readonly string[];
}

/**
 * Ids and tags of the streams in a pipeline file, sorted and unique. Those that a wildcard makes are
 * unknown.
 *
 * @throws {Error} when the file cannot be read, or is not YAML
 */
export async function readNames(path: string): Promise<StreamNames> {
  requirePermission("read", path);
  const text = await Deno.readTextFile(path);
  const pipeline: unknown = hideEnvironment(() => parse(text, { maxAliasCount: 100 }));
  const streams = asList(getKey(pipeline, "streams"));
  const ids = streams.map((stream) => getKey(stream, "id"))
    .filter((id) => typeof id !== "string" || !isWildcard({ id }));
  const tags = [getKey(pipeline, "defaults"), ...streams]
    .flatMap((holder) => asList(getKey(holder, "tags")));
  return { ids: unique(ids), tags: unique(tags) };
}

function getKey(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function unique(values: readonly unknown[]): string[] {
  return [...new Set(values.filter((value) => typeof value === "string"))].sort();
}
