/** Reads ids and tags for shell completions, without validating the pipeline. */
import { requirePermission } from "../../core/permission_errors.ts";
import { hideEnvironment } from "./hide_environment.ts";

export interface StreamNames {
  readonly ids: readonly string[];
  readonly tags: readonly string[];
}

/**
 * Ids and tags of the streams in a pipeline file, sorted and unique. A list in block style, which
 * nearly every pipeline has, is read without the YAML library: a shell should not wait for it.
 *
 * @throws {Error} when the file cannot be read, or is not YAML
 */
export async function readNames(path: string): Promise<StreamNames> {
  requirePermission("read", path);
  const text = await Deno.readTextFile(path);
  return scanNames(text) ?? await parseNames(text);
}

const TEXT = String.raw`(?:"([^"\\]*)"|'([^']*)'|([^\s"'#&*!|>{[,][^,}\]#]*?))\s*(?:[,}#]|$)`;
const ID = new RegExp(String.raw`^\s*(?:-\s+)?(?:\{\s*)?id:\s+${TEXT}`);
const TAGS = /(?:^|[\s{,])tags:\s*\[([^\]\\]*)\]/;

/** Names in a list of streams in block style; undefined for any other style. */
export function scanNames(text: string): StreamNames | undefined {
  const lines = text.split(/\r?\n/).filter((line) => /^\s*[^\s#]/.test(line));
  const start = lines.findIndex((line) => /^streams:\s*(#.*)?$/.test(line));
  if (start < 0 || lines.some((line) => /tags:\s*(#.*)?$|<<:|tags:\s*\*/.test(line))) return;
  const end = lines.findIndex((line, i) => i > start && /^[^\s-]/.test(line));
  const inside = lines.slice(start + 1, end < 0 ? undefined : end);
  const indent = /^\s*/.exec(inside[0] ?? "")![0].length;
  const ids: string[] = [];
  let items = 0;
  let column = Infinity;
  for (const line of inside) {
    const at = /^\s*/.exec(line)![0].length;
    const item = at === indent ? /^\s*-\s+/.exec(line) : null;
    if (item !== null) [items, column] = [items + 1, item[0].length];
    if (item === null && at !== column) continue;
    const found = ID.exec(line);
    if (found !== null) ids.push((found[1] ?? found[2] ?? found[3])!.trim());
  }
  if (items === 0 || ids.length !== items) return undefined;
  const tags = lines.flatMap((line) => TAGS.exec(line)?.[1]?.split(",") ?? [])
    .map((tag) => tag.trim().replace(/^(["'])(.*)\1$/, "$2")).filter((tag) => tag !== "");
  return { ids: unique(ids), tags: unique(tags) };
}

async function parseNames(text: string): Promise<StreamNames> {
  const { parse } = await import("yaml");
  const pipeline: unknown = hideEnvironment(() => parse(text, { maxAliasCount: 100 }));
  const streams = asList(getKey(pipeline, "streams"));
  const ids = streams.map((stream) => getKey(stream, "id"));
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
