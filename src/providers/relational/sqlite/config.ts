/** What a connection to a SQLite database is made from. */
import { isAbsolute, resolve } from "node:path";
import { z } from "zod";
import { ConfigurationError } from "../../../core/errors.ts";

export const SqliteConfig = z.strictObject({
  path: z.string().min(1)
    .refine((path) => path !== ":memory:", {
      error: "a database in memory would be gone after the run, expected a file's path",
    })
    .refine((path) => !/^file:/i.test(path), { error: "expected a plain path, not a file: URI" })
    .refine((path) => !path.includes("\0"), { error: "expected a path without U+0000" })
    .describe("The database file; relative to the pipeline's folder"),
  readonly: z.boolean().optional().describe(
    "Never write to it, also not as a target (default: false)",
  ),
  busy_timeout_ms: z.int().min(0).optional()
    .describe("Wait this long for a database that another process has locked (default: 10000)"),
});
export type SqliteConfig = z.infer<typeof SqliteConfig>;

export function databasePath(config: SqliteConfig, baseDirectory: string): string {
  return isAbsolute(config.path) ? config.path : resolve(baseDirectory, config.path);
}

/** `sqlite:warehouse.db`, `sqlite:data/warehouse.db`, `sqlite:///absolute/path.db`. */
export function fromURL(url: string): { path: string } {
  const rest = url.replace(/^[a-z][\w+.-]*:/i, "");
  const [place, query] = rest.split("?", 2) as [string, string?];
  if (query !== undefined) {
    throw new ConfigurationError(
      `Cannot connect to a "sqlite:" URL with a query: expected a path alone, options are keys`,
    );
  }
  const path = decoded(place);
  if (!path.startsWith("//")) return { path };
  const slash = path.indexOf("/", 2);
  if (slash !== 2 || path.length === 3) {
    throw new ConfigurationError(
      `Cannot connect to "${url}": expected sqlite:relative/path.db or sqlite:///absolute/path.db`,
    );
  }
  return { path: path.slice(2) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
