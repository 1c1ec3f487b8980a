/** JSON files that dxt writes for later runs: a manifest, a pending load, a lock of modules. */
import type { z } from "zod";
import { messageOf } from "../errors.ts";

/**
 * Reads a file of this version; returns undefined if it does not exist.
 *
 * @param schema of the content besides its `version`
 * @param refuse creates the error, given what is wrong with the content
 */
export async function readJSONFile<S extends z.ZodType>(
  path: string,
  version: number,
  schema: S,
  refuse: (detail: string) => Error,
): Promise<z.infer<S> | undefined> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw refuse(`it is not JSON: ${messageOf(error)}`);
  }
  if (typeof content !== "object" || content === null) throw refuse("it is no JSON object");
  const repeated = findRepeatedName(text);
  if (repeated !== undefined) throw refuse(`it has "${repeated}" twice`);
  const { version: found, ...rest } = content as Record<string, unknown>;
  if (found !== version) {
    throw refuse(`its version is ${JSON.stringify(found) ?? "missing"}, expected ${version}`);
  }
  const parsed = schema.safeParse(rest);
  if (parsed.success) return parsed.data;
  const { path: key, message } = parsed.error.issues[0]!;
  throw refuse(key.length === 0 ? message : `"${key.join(".")}": ${message}`);
}

/**
 * Finds a name that an object of a valid JSON text has twice. RFC 8259, section 4, leaves open which value
 * counts, so that two programs can read two contents.
 */
function findRepeatedName(text: string): string | undefined {
  const objects: Set<string>[] = [];
  for (const [token] of text.matchAll(/[{}]|"(?:[^"\\]|\\.)*"(?:\s*:)?/g)) {
    if (token === "{") objects.push(new Set());
    else if (token === "}") objects.pop();
    else if (token.endsWith(":")) {
      const name = JSON.parse(token.slice(0, -1)) as string;
      const names = objects.at(-1)!;
      if (names.has(name)) return name;
      names.add(name);
    }
  }
  return undefined;
}

/** Formats the text of a file for {@linkcode readJSONFile}. */
export function formatJSONFile(version: number, content: object): string {
  return `${JSON.stringify({ version, ...content }, null, 2)}\n`;
}
