/**
 * Expands `${VAR}`, `${VAR:-default}`, `${VAR:?message}` and `$$` in the values of a parsed file,
 * not in its keys. An expanded value is one string, never more YAML. Defaults and messages may
 * contain variables. `:-` and `:?` treat an empty variable as unset, as a shell does.
 */
import { describeFlags, formatFlag } from "../../core/permission_errors.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import { resolve } from "../../core/files/paths.ts";
import type { Issues, Place } from "./issues.ts";
import { mapScalars, type ScalarTree, type Tree } from "./tree.ts";

type Values = Readonly<Record<string, string>>;

/** A `.env` file; values are undefined when the process may not read it. */
export interface VariablesFile {
  readonly path: string;
  readonly values: Values | undefined;
}

/**
 * Values by name. The command line takes precedence over the environment, the environment over the
 * files, and each file over the next.
 */
export class Variables {
  /** Variables that had a value when they were looked up, for masking. */
  readonly used = new Map<string, string>();
  /** Names that were looked up, set or not, for permissions. */
  readonly requested = new Set<string>();
  #consulted = 0;

  constructor(
    private readonly given: Values,
    private readonly environment: Values,
    private readonly files: readonly VariablesFile[],
    /** Whether a variable without a value stands for its own name, instead of being an error. */
    readonly namesUnset = false,
  ) {}

  /** @throws {VariableError} when a place that may not be read could define it */
  get(name: string): string | undefined {
    this.requested.add(name);
    const value = this.#find(name)?.value;
    if (value !== undefined) this.used.set(name, value);
    return value;
  }

  /** Paths of the files in which a variable was looked up. */
  get consulted(): string[] {
    return this.files.slice(0, this.#consulted).map(({ path }) => path);
  }

  /** Known names, without the environment if it may not be listed. */
  get names(): string[] {
    return this.#entries.map(([name]) => name);
  }

  /** Where a variable that has been looked up is set, as in "SHOP_URL is empty in the environment". */
  describeOrigin(name: string): string | undefined {
    return this.#find(name)?.origin;
  }

  /** Name of a known variable with this value. */
  findName(value: string): string | undefined {
    return this.#entries.find(([name, text]) => text === value && /^[A-Za-z]\w*$/.test(name))?.[0];
  }

  #find(name: string): { readonly value: string; readonly origin: string } | undefined {
    if (Object.hasOwn(this.given, name)) {
      return { value: this.given[name]!, origin: "on the command line" };
    }
    if (isSet(this.environment, name)) {
      return { value: this.environment[name]!, origin: "in the environment" };
    }
    for (const [i, { path, values }] of this.files.entries()) {
      this.#consulted = Math.max(this.#consulted, i + 1);
      if (values === undefined) {
        const flag = formatFlag({ kind: "read", value: resolve(path) });
        throw new VariableError(
          `variable "${name}" may be in "${path}", which dxt may not read: ${
            describeFlags([flag])
          }`,
          name,
        );
      }
      if (Object.hasOwn(values, name)) return { value: values[name]!, origin: `in "${path}"` };
    }
    return undefined;
  }

  get #entries(): [string, string][] {
    const files = this.files.map(({ values }) => values ?? {});
    return [this.given, this.environment, ...files].flatMap((values) => listEntries(values));
  }
}

function isSet(environment: Values, name: string): boolean {
  try {
    return Object.hasOwn(environment, name);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotCapable)) throw error;
    const flag = formatFlag({ kind: "env", value: name });
    throw new VariableError(`variable "${name}" may not be read: ${describeFlags([flag])}`, name);
  }
}

function listEntries(values: Values): [string, string][] {
  try {
    return Object.entries(values);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return [];
    throw error;
  }
}

/** Expands every string in a tree; adds an issue for each that cannot be expanded. */
export function expand(tree: Tree, variables: Variables, issues: Issues): Tree {
  return mapScalars(tree, (found) => expandScalar(found, variables, issues));
}

function expandScalar(found: ScalarTree, variables: Variables, issues: Issues): ScalarTree {
  const written = found.value;
  if (typeof written !== "string" || !written.includes("$")) return found;
  try {
    const value = expandText(written, variables);
    const place = { ...found.place, ...hintAtEmpty(written, variables) };
    return { ...found, value, written, place, variable: isOneVariable(written) };
  } catch (error) {
    if (!(error instanceof VariableError)) throw error;
    issues.add(placeIn(found, error.variable), error.message);
    return { ...found, written, broken: true };
  }
}

/** A variable that is set but empty is a likely cause of any error about its value. */
function hintAtEmpty(written: string, variables: Variables): Pick<Place, "hint"> {
  const names = [...written.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name!);
  const empty = names.find((name) => variables.used.get(name) === "");
  if (empty === undefined) return {};
  return {
    hint: `variable "${empty}" is empty ${variables.describeOrigin(empty)}, give it a value there`,
  };
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
      const end = closingBrace(text, i + 2);
      if (end === undefined) {
        throw new VariableError('a "${" is not closed by "}"; write "$$" for a "$"', "");
      }
      result += expandVariable(text.slice(i + 2, end), variables);
      i = end;
    }
  }
  return result;
}

/** Index of the brace that closes a variable whose name starts at `from`. */
function closingBrace(text: string, from: number): number | undefined {
  let depth = 1;
  for (let i = from; i < text.length; i++) {
    if (text[i] === "$" && text[i + 1] === "$") i++;
    else if (text[i] === "$" && text[i + 1] === "{") (depth++, i++);
    else if (text[i] === "}" && --depth === 0) return i;
  }
  return undefined;
}

function isOneVariable(text: string): boolean {
  return text.startsWith("${") && closingBrace(text, 2) === text.length - 1;
}

function expandVariable(inside: string, variables: Variables): string {
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
    if (variables.namesUnset) return name;
    throw new VariableError(
      `variable "${name}" is not set${suggestWord(name, variables.names)}`,
      name,
    );
  }
  if (value !== undefined && value !== "") return value;
  const text = expandText(rest, variables);
  if (operator === "-") return text;
  if (variables.namesUnset) return name;
  throw new VariableError(
    `variable "${name}" is not set${text === "" ? "" : `: ${text}`}`,
    name,
  );
}

/** The place of a variable inside a value. */
function placeIn({ place }: ScalarTree, name: string): Place {
  const { source, offset } = place;
  const found = source.text.indexOf(`\${${name}`, offset);
  // May find the same variable in a later value; this is harmless.
  return found < 0 ? place : { source, offset: found };
}
