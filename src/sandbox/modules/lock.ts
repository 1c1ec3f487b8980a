/** `dxt.lock`: what external modules were when their user accepted them. */
import { z } from "zod";
import { ConfigurationError } from "../../core/errors.ts";
import type { SourceKind } from "./imports.ts";

/** What was found of modules, or is expected of them. */
export interface Pins {
  /** SHA-256 of the bytes of each, in hexadecimal digits, by the URL that they came from. */
  readonly modules: Readonly<Record<string, string>>;
  /** Where a URL or a `jsr:` name led to. */
  readonly redirects: Readonly<Record<string, string>>;
  /** What a module is, where its name does not tell. */
  readonly kinds: Readonly<Record<string, SourceKind>>;
}

export const NO_PINS: Pins = { modules: {}, redirects: {}, kinds: {} };

const File = z.strictObject({
  version: z.literal(1),
  modules: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
  redirects: z.record(z.string(), z.string()).default({}),
  kinds: z.record(z.string(), z.enum(["javascript", "typescript", "json"])).default({}),
});

/**
 * Reads a lock; nothing is pinned where there is none.
 *
 * @throws {ConfigurationError} when it is there and cannot be read
 */
export async function readLock(path: string): Promise<Pins> {
  let text: string;
  try {
    text = await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return NO_PINS;
    throw error;
  }
  const parsed = File.safeParse(parseJSON(text));
  if (parsed.success) {
    const { modules, redirects, kinds } = parsed.data;
    return { modules, redirects, kinds };
  }
  const { path: key, message } = parsed.error.issues[0]!;
  const at = key.length === 0 ? "" : `"${key.join(".")}": `;
  throw new ConfigurationError(
    `Cannot read lock "${path}": ${at}${message}; remove it and run dxt lock`,
  );
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The lock as text, the same for the same pins. */
export function lockText({ modules, redirects, kinds }: Pins): string {
  const some = (record: Readonly<Record<string, string>>) => Object.keys(record).length > 0;
  const file = {
    version: 1,
    modules: sorted(modules),
    ...(some(redirects) ? { redirects: sorted(redirects) } : {}),
    ...(some(kinds) ? { kinds: sorted(kinds) } : {}),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

function sorted<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}

/** Pins of several graphs together. */
export function mergePins(all: readonly Pins[]): Pins {
  return {
    modules: Object.assign({}, ...all.map(({ modules }) => modules)),
    redirects: Object.assign({}, ...all.map(({ redirects }) => redirects)),
    kinds: Object.assign({}, ...all.map(({ kinds }) => kinds)),
  };
}
