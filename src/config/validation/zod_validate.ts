/** Validates a tree with a zod schema, and adds an issue for each error. */
import type { z } from "zod";
import type { Issues, Place } from "../text/issues.ts";
import { describeIssue, relevantIssues } from "./zod_messages.ts";
import { readAs } from "./zod_introspection.ts";
import { type Path, placeAt, toValue, type Tree, treeAt } from "../text/tree.ts";

/**
 * Like `schema.safeParse`, but reads text from a variable as the number or boolean that the schema
 * expects: `port: ${PORT}`.
 */
export function parseTyped<T>(
  schema: z.ZodType<T>,
  value: unknown,
  isVariable: (path: Path) => boolean,
): z.ZodSafeParseResult<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed;
  const typed = relevantIssues(parsed.error.issues).reduce((changed, { code, path }) => {
    if (code !== "invalid_type" || !isVariable(path)) return changed;
    const text = valueAt(value, path);
    const read = typeof text === "string" ? readAs(schema, value, path, text) : undefined;
    return read === undefined ? changed : withValue(changed, path, read);
  }, value);
  return typed === value ? parsed : schema.safeParse(typed);
}

/** Returns the parsed value; undefined when issues were added. */
export function validate<T>(schema: z.ZodType<T>, tree: Tree, issues: Issues): T | undefined {
  const value = toValue(tree);
  const parsed = parseTyped(schema, value, (path) => isVariableAt(tree, path));
  if (parsed.success) return parsed.data;
  const all = relevantIssues(parsed.error.issues);
  for (const issue of all) {
    const here = treeAt(tree, issue.path);
    if (here?.kind === "scalar" && here.broken === true) continue;
    for (const { path, atKey, message } of describeIssue(issue, { schema, value, tree, all })) {
      issues.add(atKey ? keyPlace(tree, path) : placeAt(tree, path), message);
    }
  }
  return undefined;
}

export function isVariableAt(tree: Tree, path: Path): boolean {
  const here = treeAt(tree, path);
  return here?.kind === "scalar" && here.variable === true;
}

function keyPlace(tree: Tree, path: Path): Place {
  const parent = treeAt(tree, path.slice(0, -1));
  const entry = parent?.kind === "map" ? parent.entries.get(String(path.at(-1))) : undefined;
  return entry?.key ?? placeAt(tree, path);
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce(
    (inside, part) => (inside as Record<string | number, unknown> | undefined)?.[part],
    value,
  );
}

function withValue(value: unknown, [head, ...rest]: Path, leaf: unknown): unknown {
  if (head === undefined) return leaf;
  const copy = (Array.isArray(value) ? [...value] : { ...value as object }) as Record<
    string | number,
    unknown
  >;
  copy[head] = withValue(copy[head], rest, leaf);
  return copy;
}
