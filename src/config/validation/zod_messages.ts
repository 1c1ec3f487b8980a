/** Messages for zod issues in terms of the file: the current state, then what is expected. */
import type { z } from "zod";
import { quoteValue, SECRET_KEY } from "../../core/errors.ts";
import { suggestWord } from "../../core/did_you_mean.ts";
import { keysAt } from "./zod_introspection.ts";
import { type Path, type Tree, treeAt } from "../text/tree.ts";

/** An issue with its whole path; of a union, only the most likely alternative remains. */
export type RelevantIssue = z.core.$ZodIssue & { path: (string | number)[] };

/** Replaces the issue of a union by those of the alternative that matches best. */
export function relevantIssues(
  issues: readonly z.core.$ZodIssue[],
  base: Path = [],
): RelevantIssue[] {
  return issues.flatMap((issue) => {
    const path = [...base, ...issue.path.filter((part) => typeof part !== "symbol")];
    if (issue.code !== "invalid_union" || issue.errors.length === 0) return [{ ...issue, path }];
    const inside = issue.errors.filter((branch) => !branch.some(atRoot));
    const meant = inside.toSorted((a, b) => a.length - b.length)[0];
    return meant === undefined
      ? [mergeRoots(issue.errors.flat(), path)]
      : relevantIssues(meant, path);
  });
}

/** Whether the value as a whole has another type than the alternative, or none of its values. */
function atRoot(issue: z.core.$ZodIssue): boolean {
  return issue.path.length === 0 && (issue.code === "invalid_type" ||
    issue.code === "invalid_value" ||
    (issue.code === "invalid_union" && issue.errors.some((branch) => branch.some(atRoot))));
}

/** Merges several issues about the value as a whole into one. */
function mergeRoots(issues: readonly z.core.$ZodIssue[], path: (string | number)[]): RelevantIssue {
  const values = issues.flatMap((issue) => issue.code === "invalid_value" ? issue.values : []);
  const types = issues.flatMap((issue) => issue.code === "invalid_type" ? [issue.expected] : []);
  return values.length > 0
    ? { code: "invalid_value", values, path, message: "" }
    : { code: "invalid_type", expected: types.join("|") as "string", path, message: "" };
}

/** A message and its place. */
export interface Described {
  readonly path: Path;
  /** The place is the key, not its value. */
  readonly atKey: boolean;
  readonly message: string;
}

interface Context {
  readonly schema: z.ZodType;
  readonly value: unknown;
  readonly tree: Tree;
  /** All issues of the same file. */
  readonly all: readonly RelevantIssue[];
}

export function describeIssue(issue: RelevantIssue, context: Context): Described[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const known = keysAt(context.schema, context.value, path);
    return issue.keys.map((key) => unknownKey(path, key, [...known.keys()]));
  }
  const here = treeAt(context.tree, path);
  if (here === undefined && path.length > 0) return missingKey(issue, context);
  const message = issue.code === "custom" && !issue.message.startsWith("expected")
    ? `${describePath(path)}: ${issue.message}`
    : `${describePath(path)} ${describeState(here, issue)}, ${wanted(issue, here)}`;
  const known = keysAt(context.schema, context.value, path);
  const typed = issue.code === "custom" ? mistyped(here, [...known.keys()]) : undefined;
  return [
    typed === undefined ? { path, atKey: false, message } : unknownKey(path, typed, [
      ...known.keys(),
    ]),
  ];
}

function unknownKey(path: Path, key: string, known: readonly string[]): Described {
  const hint = suggestWord(key, known) || `, known are ${known.join(", ")}`;
  return { path: [...path, key], atKey: true, message: `unknown key "${key}"${hint}` };
}

/** A key of the mapping that is probably a misspelling of one of the wanted keys. */
function mistyped(there: Tree | undefined, wanted: readonly string[]): string | undefined {
  if (there?.kind !== "map") return undefined;
  return [...there.entries.keys()].find((key) =>
    !wanted.includes(key) && suggestWord(key, wanted) !== ""
  );
}

/** Describes a missing key; if it is misspelled, as an unknown key, and only once. */
function missingKey(issue: RelevantIssue, { schema, value, tree, all }: Context): Described[] {
  const parent = (issue.path as Path).slice(0, -1);
  const key = String(issue.path.at(-1));
  const known = keysAt(schema, value, parent);
  const typed = mistyped(treeAt(tree, parent), [key]);
  if (typed !== undefined && !known.has(typed)) {
    const isReported = all.some((other) =>
      other.code === "unrecognized_keys" && other.keys.includes(typed) &&
      other.path.join("\0") === parent.join("\0")
    );
    return isReported ? [] : [unknownKey(parent, typed, [key])];
  }
  const options = "options" in issue && Array.isArray(issue.options)
    ? issue.options
    : issue.code === "invalid_value"
    ? issue.values
    : undefined;
  const about = known.get(key) ?? "";
  const detail = options !== undefined
    ? `: expected ${joinChoices(options)}`
    : about && `: ${about}`;
  return [{ path: parent, atKey: false, message: `missing key "${key}"${detail}` }];
}

function describePath(path: Path): string {
  const last = path.at(-1);
  if (last === undefined) return "the file";
  return typeof last === "number" ? `item ${last + 1} of "${path.at(-2)}"` : `"${last}"`;
}

/** The current value in words; a variable is shown by name, never by value. */
function describeState(here: Tree | undefined, issue: RelevantIssue): string {
  if (here === undefined) return "is empty";
  if (here.kind === "list") return here.items.length === 0 ? "is empty" : "is a list";
  if (here.kind === "map") return "is a mapping";
  const { value, written } = here;
  if (value === null) return "has no value";
  if (value === "" && written === undefined) return "is empty";
  const secret = issue.path.some((part) => typeof part === "string" && SECRET_KEY.test(part));
  const shown = typeof value === "string" || written !== undefined
    ? quoteValue(written ?? value)
    : String(value);
  const text = secret && written === undefined ? "" : ` ${shown}`;
  if (written !== undefined) return `is${text}`;
  if (issue.code !== "invalid_type") return `is${text}`;
  return typeof value === "string" ? `is the text${text}` : `is the ${typeof value}${text}`;
}

const KINDS: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  null: "null",
  undefined: "nothing",
};

function wanted(issue: RelevantIssue, here: Tree | undefined): string {
  switch (issue.code) {
    case "invalid_type": {
      const kinds = [...new Set(String(issue.expected).split("|"))];
      const quote = kinds.includes("string") && here?.kind === "scalar" && here.value !== null;
      const words = kinds.map((kind) =>
        kind === "string" && quote ? "text in quotes" : KINDS[kind] ?? kind
      );
      return `expected ${or(words)}`;
    }
    case "invalid_value": {
      const given = here?.kind === "scalar" && here.written === undefined ? here.value : undefined;
      const isQuoted = issue.values.some((value) =>
        typeof value !== "string" && String(value) === given
      );
      if (isQuoted) return `expected ${given} without quotes`;
      // The schema has a message of its own for this value.
      if (!/^(Invalid|$)/.test(issue.message)) return issue.message;
      return `expected ${joinChoices(issue.values, given)}`;
    }
    case "invalid_union":
      return `expected ${
        joinChoices(
          "options" in issue && Array.isArray(issue.options) ? issue.options : [],
          here?.kind === "scalar" && here.written === undefined ? here.value : undefined,
        )
      }`;
    case "too_small":
      if (issue.origin === "string") return "expected some text";
      if (issue.origin === "array") return `expected at least ${issue.minimum} item`;
      return `expected ${issue.inclusive === false ? "more than" : "at least"} ${issue.minimum}`;
    case "too_big":
      if (issue.origin === "string") return `expected at most ${issue.maximum} characters`;
      if (issue.origin === "array") return `expected at most ${issue.maximum} items`;
      return `expected ${issue.inclusive === false ? "less than" : "at most"} ${issue.maximum}`;
    default:
      return issue.message;
  }
}

function joinChoices(values: readonly unknown[], given?: unknown): string {
  const names = values.map(String);
  return `${or(names)}${typeof given === "string" ? suggestWord(given, names) : ""}`;
}

function or(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
