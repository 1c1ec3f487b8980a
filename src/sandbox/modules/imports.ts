/** The imports of a module's text. */
import { ConfigurationError, messageOf } from "../../core/errors.ts";
import { stripTypes } from "./strip.ts";

export interface Import {
  readonly specifier: string;
  /** Imported as data. */
  readonly json: boolean;
  /** Of an expression: it may never be reached. */
  readonly dynamic: boolean;
  /** Line in the module's own text, from 1, where it is found there. */
  readonly line: number | undefined;
}

export interface Parsed {
  /** JavaScript, or the JSON as it was. */
  readonly source: string;
  readonly imports: readonly Import[];
}

export type SourceKind = "javascript" | "typescript" | "json";

/**
 * Reads a module's text. Imports whose name is computed are left to the thread, which refuses all
 * that is not in the graph.
 *
 * @throws {ConfigurationError} when the text is not what its kind says
 */
export async function parseModule(
  url: string,
  text: string,
  kind: SourceKind,
): Promise<Parsed> {
  if (kind === "json") return { source: checkedJSON(url, text), imports: [] };
  const source = kind === "typescript" ? stripTypes(url, text) : text;
  const { init, parse } = await import("es-module-lexer");
  await init();
  try {
    const [all] = parse(source);
    const imports = all.flatMap((found) => {
      if (found.type === "import-meta" || found.specifier === undefined) return [];
      const { specifier, attributes } = found;
      const dynamic = found.type === "dynamic";
      // A template with values in it.
      if (dynamic && found.glob) return [];
      const json = attributes?.some(([key, value]) => key === "type" && value === "json") ?? false;
      return [{ specifier, json, dynamic, line: lineOf(specifier, text) }];
    });
    return { source, imports };
  } catch (error) {
    throw unreadable(url, error);
  }
}

function checkedJSON(url: string, text: string): string {
  try {
    JSON.parse(text);
    return text;
  } catch (error) {
    throw unreadable(url, error);
  }
}

function unreadable(url: string, error: unknown): ConfigurationError {
  return new ConfigurationError(`Cannot read module "${url}": ${messageOf(error)}`, {
    cause: error,
  });
}

/** The first line that has the specifier in quotes: types that were taken out have moved the others. */
function lineOf(specifier: string, text: string): number | undefined {
  const at = ['"', "'", "`"].map((quote) => text.indexOf(quote + specifier + quote))
    .filter((index) => index >= 0);
  if (at.length === 0) return undefined;
  return text.slice(0, Math.min(...at)).split("\n").length;
}
