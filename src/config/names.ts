/** Names in a pipeline, read without validating it: what a shell completes need not be whole. */
import { parse } from "yaml";

/**
 * Ids and tags of the streams of a pipeline's file, each once, sorted.
 *
 * @throws {Error} when the file cannot be read, or is no YAML
 */
export async function namesOf(path: string): Promise<{ ids: string[]; tags: string[] }> {
  const pipeline: unknown = parse(await Deno.readTextFile(path), { maxAliasCount: 100 });
  const streams = listOf(keyOf(pipeline, "streams"));
  const ids = streams.map((stream) => keyOf(stream, "id"));
  const tags = [keyOf(pipeline, "defaults"), ...streams]
    .flatMap((holder) => listOf(keyOf(holder, "tags")));
  return { ids: textsOf(ids), tags: textsOf(tags) };
}

function keyOf(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[key]
    : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function textsOf(values: readonly unknown[]): string[] {
  return [...new Set(values.filter((value) => typeof value === "string"))].sort();
}
