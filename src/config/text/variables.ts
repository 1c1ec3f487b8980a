/**
 * `${VAR}`, `${VAR:-default}`, `${VAR:?message}` and `$$` in the values of a parsed file. Keys are
 * left alone, and a value stays one string whatever is in it. A default and a message may hold
 * variables themselves. `:-` and `:?` take an empty variable for an unset one, as a shell does.
 */
import { describeFlags, flagOf } from "../../core/permission_errors.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import { resolve } from "../../core/files/paths.ts";
import type { Issues, Place } from "./issues.ts";
import { mapScalars, type ScalarTree, type Tree } from "./tree.ts";

type Values = Readonly<Record<string, string>>;

/** A `.env` file; without values when the process may not look at it. */
export interface VariablesFile {
  readonly path: string;
  readonly values: Values | undefined;
}

/**
 * Values by name: those of the command line win over the environment, it over the files, the first
 * of them over the next. The environment is asked by name.
 */
export class Variables {
  /** Those that were used, for masking and for permissions. */
  readonly used = new Map<string, string>();
  /** Names that were asked for, set or not. */
  readonly asked = new Set<string>();
  #consulted = 0;

  constructor(
    private readonly given: Values,
    private readonly environment: Values,
    private readonly files: readonly VariablesFile[],
  ) {}

  /** @throws {VariableError} where it may not be looked for, so that nobody takes another value */
  get(name: string): string | undefined {
    this.asked.add(name);
    const value = this.#find(name);
    if (value !== undefined) this.used.set(name, value);
    return value;
  }

  /** Paths of the files that were asked for a value. */
  get consulted(): string[] {
    return this.files.slice(0, this.#consulted).map(({ path }) => path);
  }

  /** Names that are known: not those of an environment that may not be read as a whole. */
  get names(): string[] {
    return this.#entries.map(([name]) => name);
  }

  /** A known name of this value. */
  nameOf(value: string): string | undefined {
    return this.#entries.find(([name, text]) => text === value && /^[A-Za-z]\w*$/.test(name))?.[0];
  }

  #find(name: string): string | undefined {
    if (Object.hasOwn(this.given, name)) return this.given[name];
    if (isSet(this.environment, name)) return this.environment[name];
    for (const [i, { path, values }] of this.files.entries()) {
      this.#consulted = Math.max(this.#consulted, i + 1);
      if (values === undefined) {
        const flag = flagOf({ kind: "read", value: resolve(path) });
        throw new VariableError(
          `variable "${name}" may be in "${path}", which dxt may not read: ${
            describeFlags([flag])
          }`,
          name,
        );
      }
      if (Object.hasOwn(values, name)) return values[name];
    }
    return undefined;
  }

  get #entries(): [string, string][] {
    const files = this.files.map(({ values }) => values ?? {});
    return [this.given, this.environment, ...files].flatMap((values) => entriesOf(values));
  }
}

function isSet(environment: Values, name: string): boolean {
  try {
    return Object.hasOwn(environment, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    const flag = flagOf({ kind: "env", value: name });
    throw new VariableError(`variable "${name}" may not be read: ${describeFlags([flag])}`, name);
  }
}

function entriesOf(values: Values): [string, string][] {
  try {
    return Object.entries(values);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return [];
    throw error;
  }
}

/** Expands every string of a tree; what cannot be expanded is added to the issues. */
export function expand(tree: Tree, variables: Variables, issues: Issues): Tree {
  return mapScalars(tree, (found) => expandScalar(found, variables, issues));
}

function expandScalar(found: ScalarTree, variables: Variables, issues: Issues): ScalarTree {
  const written = found.value;
  if (typeof written !== "string" || !written.includes("$")) return found;
  try {
    const value = expandText(written, variables);
    return { ...found, value, written, variable: isOneVariable(written) };
  } catch (error) {
    if (!(error instanceof VariableError)) throw error;
    issues.add(placeIn(found, error.variable), error.message);
    return { ...found, written, broken: true };
  }
}

class VariableError extends Error {
  constructor(message: string, readonly variable: string) {
    super(message);
  }
}

/** @throws {VariableError} */
function expandText(text: string, variables: Variables): string {
  let result = "";
  for (let i = 0; i < text.length; i++) {
    if (text[i] !== "$") result += text[i];
    else if (text[i + 1] === "$") result += text[++i];
    else if (text[i + 1] !== "{") result += "$";
    else {
      const end = closing(text, i + 2);
      if (end === undefined) {
        throw new VariableError('a "${" is not closed by "}"; "$$" means one "$"', "");
      }
      result += valueOf(text.slice(i + 2, end), variables);
      i = end;
    }
  }
  return result;
}

/** Index of the brace that closes a variable whose name starts at `from`. */
function closing(text: string, from: number): number | undefined {
  let depth = 1;
  for (let i = from; i < text.length; i++) {
    if (text[i] === "$" && text[i + 1] === "$") i++;
    else if (text[i] === "$" && text[i + 1] === "{") (depth++, i++);
    else if (text[i] === "}" && --depth === 0) return i;
  }
  return undefined;
}

function isOneVariable(text: string): boolean {
  return text.startsWith("${") && closing(text, 2) === text.length - 1;
}

function valueOf(inside: string, variables: Variables): string {
  const match = /^([A-Za-z_]\w*)(?::([-?])(.*))?$/s.exec(inside);
  if (match === null) {
    const name = /^\w*/.exec(inside)![0];
    throw new VariableError(
      `cannot expand "\${${inside}}": expected \${NAME}, \${NAME:-default} or \${NAME:?message}`,
      name,
    );
  }
  const [, name, operator, rest = ""] = match as unknown as [string, string, string?, string?];
  const value = variables.get(name);
  if (operator === undefined) {
    if (value !== undefined) return value;
    throw new VariableError(
      `variable "${name}" is not set${suggestWord(name, variables.names)}`,
      name,
    );
  }
  if (value !== undefined && value !== "") return value;
  const text = expandText(rest, variables);
  if (operator === "-") return text;
  throw new VariableError(
    `variable "${name}" is not set${text === "" ? "" : `: ${text}`}`,
    name,
  );
}

/** Where a variable stands inside its value. */
function placeIn({ place }: ScalarTree, name: string): Place {
  const { source, offset } = place;
  const found = source.text.indexOf(`\${${name}`, offset);
  // The text after the value is someone else's; a value rarely is longer than its own line.
  return found < 0 ? place : { source, offset: found };
}
