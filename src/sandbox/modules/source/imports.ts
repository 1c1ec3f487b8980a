/** Parses the source of a module and lists its imports. */
import { ConfigurationError, messageOf } from "../../../core/errors.ts";
import { stripTypes } from "./strip.ts";

/** One import of a module. */
export interface Import {
  readonly specifier: string;
  /** Whether the module is imported as JSON. */
  readonly json: boolean;
  /** Whether it is an `import()` expression, which may never be evaluated. */
  readonly dynamic: boolean;
  /** Line in the original source, from 1; undefined where it cannot be found. */
  readonly line: number | undefined;
}

/** A parsed module. */
export interface Parsed {
  /** JavaScript, or unchanged JSON. */
  readonly source: string;
  readonly imports: readonly Import[];
}

export type SourceKind = "javascript" | "typescript" | "json";

/**
 * Parses a module. Imports with a computed name are left to the worker, which refuses modules
 * outside the graph.
 *
 * @throws {ConfigurationError} when the text does not match its kind
 */
export async function parseModule(
  url: string,
  text: string,
  kind: SourceKind,
): Promise<Parsed> {
  if (kind === "json") return { source: checkJSON(url, text), imports: [] };
  const source = kind === "typescript" ? stripTypes(url, text) : text;
  const { init, parse } = await import("es-module-lexer");
  await init();
  try {
    const [all] = parse(source);
    const imports = all.flatMap((found) => {
      if (found.type === "import-meta" || found.specifier === undefined) return [];
      const { specifier, attributes } = found;
      const dynamic = found.type === "dynamic";
      // A template with expressions in it.
      if (dynamic && found.glob) return [];
      const json = attributes?.some(([key, value]) => key === "type" && value === "json") ?? false;
      return [{ specifier, json, dynamic, line: findLine(specifier, text) }];
    });
    return { source, imports };
  } catch (error) {
    throw parseError(url, error);
  }
}

function checkJSON(url: string, text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    throw parseError(url, error);
  }
}

function parseError(url: string, error: unknown): ConfigurationError {
  return new ConfigurationError(`Cannot read module "${url}": ${messageOf(error)}`, {
    cause: error,
  });
}

/** Finds the first line with the quoted specifier: removing types has moved lines. */
function findLine(specifier: string, text: string): number | undefined {
  const at = ['"', "'", "`"].map((quote) => text.indexOf(quote + specifier + quote))
    .filter((index) => index >= 0);
  if (at.length === 0) return undefined;
  return text.slice(0, Math.min(...at)).split("\n").length;
}
