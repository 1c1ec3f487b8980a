/** Reads and writes `dxt.lock`, which pins the external modules that the user accepted. */
import { z } from "zod";
import { ConfigurationError } from "../../../core/errors.ts";
import { formatJSONFile, readJSONFile } from "../../../core/files/json_file.ts";
import type { SourceKind } from "../source/imports.ts";

/** Pinned facts about modules. */
export interface Pins {
  /** SHA-256 of each module's bytes in hexadecimal, by URL. */
  readonly modules: Readonly<Record<string, string>>;
  /** Final URL of each redirected URL and each `jsr:` name. */
  readonly redirects: Readonly<Record<string, string>>;
  /** Kind of each module whose name does not imply it. */
  readonly kinds: Readonly<Record<string, SourceKind>>;
}

export const NO_PINS: Pins = { modules: {}, redirects: {}, kinds: {} };

const VERSION = 1;

const File = z.strictObject({
  modules: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
  redirects: z.record(z.string(), z.string()).default({}),
  kinds: z.record(z.string(), z.enum(["javascript", "typescript", "json"])).default({}),
});

/**
 * Reads a lock; a missing file pins nothing.
 *
 * @throws {ConfigurationError} when the file cannot be read
 */
export async function readLock(path: string): Promise<Pins> {
  const refuse = (detail: string) =>
    new ConfigurationError(
      `Cannot read lock "${path}": ${detail}; remove it and run dxt lock`,
    );
  return await readJSONFile(path, VERSION, File, refuse) ?? NO_PINS;
}

/** Formats a lock; equal pins give equal text. */
export function formatLock({ modules, redirects, kinds }: Pins): string {
  const hasEntries = (record: Readonly<Record<string, string>>) => Object.keys(record).length > 0;
  const file = {
    modules: sortKeys(modules),
    ...(hasEntries(redirects) ? { redirects: sortKeys(redirects) } : {}),
    ...(hasEntries(kinds) ? { kinds: sortKeys(kinds) } : {}),
  };
  return formatJSONFile(VERSION, file);
}

function sortKeys<T>(record: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(record).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}

/** Merges the pins of several graphs. */
export function mergePins(all: readonly Pins[]): Pins {
  return {
    modules: Object.assign({}, ...all.map(({ modules }) => modules)),
    redirects: Object.assign({}, ...all.map(({ redirects }) => redirects)),
    kinds: Object.assign({}, ...all.map(({ kinds }) => kinds)),
  };
}
