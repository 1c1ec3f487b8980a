/** Legacy shape: `transforms:` with rename, select and cast steps, converted to declared fields. */
import { suggestWord } from "../../core/did_you_mean.ts";
import type { Issues } from "../text/issues.ts";
import {
  getChild,
  getText,
  makeMap,
  type MapTree,
  scalar,
  type ScalarTree,
  type Tree,
} from "../text/tree.ts";

const KNOWN = ["rename", "select", "cast"];
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  rename: ["columns", "mapping", "fields"],
  select: ["columns", "fields"],
  cast: ["columns", "types", "fields"],
};

/** A column as the steps so far have changed it. */
interface Column {
  readonly origin: ScalarTree;
  /** Name after the steps so far. */
  readonly name: ScalarTree;
  readonly type?: ScalarTree;
}

interface Columns {
  readonly list: readonly Column[];
  /** A select step has removed all columns that are not in the list. */
  readonly only: boolean;
}

/** The keys of a stream that replace the transforms; none when there are no transforms. */
export function convertTransforms(
  transforms: Tree | undefined,
  issues: Issues,
): { fields?: Tree; only_declared_fields?: Tree } {
  if (transforms === undefined) return {};
  if (transforms.kind !== "list") {
    issues.add(transforms.place, `"transforms" is not a list`);
    return {};
  }
  const start: Columns = { list: [], only: false };
  const { list, only } = transforms.items.reduce((now, step) => apply(now, step, issues), start);
  const { place } = transforms;
  return {
    ...(list.length === 0 ? {} : { fields: { kind: "list", items: list.map(declare), place } }),
    ...(only ? { only_declared_fields: scalar(true, place) } : {}),
  };
}

function apply(before: Columns, step: Tree, issues: Issues): Columns {
  const found = readStep(step, issues);
  if (found === undefined) return before;
  const { type, argument } = found;
  if (type === "select") {
    const names = argument.kind === "list" ? argument.items.filter(isText) : [];
    if (argument.kind !== "list" || names.length < argument.items.length) {
      issues.add(argument.place, "select takes a list of columns");
      return before;
    }
    return { list: names.map((name) => findColumn(before, name, issues)), only: true };
  }
  if (argument.kind !== "map") {
    issues.add(argument.place, `${type} takes a mapping of columns`);
    return before;
  }
  const changed = new Map<string, Column>();
  for (const [name, { key, value }] of argument.entries) {
    if (!isText(value)) {
      issues.add(value.place, `${type} of column "${name}" is not text`);
      continue;
    }
    const column = findColumn(before, scalar(name, key), issues);
    changed.set(name, type === "rename" ? { ...column, name: value } : { ...column, type: value });
  }
  const kept = before.list.map((column) => remove(changed, String(column.name.value)) ?? column);
  return { ...before, list: [...kept, ...changed.values()] };
}

/** `{type, config: {columns}}`, `{type, columns}` or `{rename: …}`. */
function readStep(step: Tree, issues: Issues): { type: string; argument: Tree } | undefined {
  const short = KNOWN.find((name) => getChild(step, name) !== undefined);
  if (short !== undefined && step.kind === "map" && step.entries.size === 1) {
    return { type: short, argument: getChild(step, short)! };
  }
  const type = getText(getChild(step, "type")) ?? "";
  if (!KNOWN.includes(type)) {
    issues.add(
      (getChild(step, "type") ?? step).place,
      `cannot convert transform "${type}": known are ${KNOWN.join(", ")}${
        suggestWord(type, KNOWN)
      }`,
    );
    return undefined;
  }
  const config = getChild(step, "config") ?? step;
  const names = ARGUMENTS[type]!;
  const argument = names.map((name) => getChild(config, name)).find((value) => value !== undefined);
  if (argument === undefined) {
    issues.add(config.place, `${type} has no columns, expected ${names[0]}`);
    return undefined;
  }
  const other = [...(config as MapTree).entries].find(([key]) =>
    key !== "type" && !names.includes(key)
  );
  if (other !== undefined) issues.add(other[1].key, `unknown key "${other[0]}" of ${type}`);
  return { type, argument };
}

function findColumn({ list, only }: Columns, name: ScalarTree, issues: Issues): Column {
  const found = list.find((column) => column.name.value === name.value);
  const gone = found === undefined && (only || list.some((c) => c.origin.value === name.value));
  if (gone) {
    const known = list.map((column) => String(column.name.value));
    issues.add(
      name.place,
      `no column "${name.value}" is left by the previous steps${
        suggestWord(String(name.value), known)
      }`,
    );
  }
  return found ?? { origin: name, name };
}

function remove(map: Map<string, Column>, key: string): Column | undefined {
  const value = map.get(key);
  map.delete(key);
  return value;
}

function isText(tree: Tree): tree is ScalarTree {
  return getText(tree) !== undefined;
}

function declare({ origin, name, type }: Column): Tree {
  const decimal = /^decimal\((\d+),\s*(\d+)\)$/.exec(getText(type) ?? "");
  return makeMap(name.place, {
    id: name,
    source: origin.value === name.value ? undefined : origin,
    ...(decimal === null || type === undefined ? { dtype: type } : {
      dtype: { ...type, value: "decimal" },
      precision: scalar(Number(decimal[1]), type.place),
      scale: scalar(Number(decimal[2]), type.place),
    }),
  });
}
