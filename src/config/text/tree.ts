/** A parsed file as a tree of values with their places, which survive merging and conversion. */
import type { Place } from "./issues.ts";

export type Path = readonly (string | number)[];
export type Scalar = string | number | boolean | null;

export interface ScalarTree {
  readonly kind: "scalar";
  readonly value: Scalar;
  readonly place: Place;
  /** Text in the file before variables were expanded; messages show it instead of the value. */
  readonly written?: string;
  /** The whole value is one variable. */
  readonly variable?: boolean;
  /** The value could not be expanded, and an issue was added. */
  readonly broken?: boolean;
}

export interface Entry {
  readonly key: Place;
  readonly value: Tree;
}

export interface MapTree {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, Entry>;
  readonly place: Place;
}

export interface ListTree {
  readonly kind: "list";
  readonly items: readonly Tree[];
  readonly place: Place;
}

export type Tree = ScalarTree | MapTree | ListTree;

export function scalar(value: Scalar, place: Place): ScalarTree {
  return { kind: "scalar", value, place };
}

/** A mapping whose keys have the places of their values. */
export function makeMap(place: Place, values: Readonly<Record<string, Tree | undefined>>): MapTree {
  const entries = Object.entries(values).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, { key: value.place, value }] as const]
  );
  return { kind: "map", entries: new Map(entries), place };
}

export function getChild(tree: Tree | undefined, key: string): Tree | undefined {
  return tree?.kind === "map" ? tree.entries.get(key)?.value : undefined;
}

/** The value of a scalar that is a string; undefined for anything else. */
export function getText(tree: Tree | undefined): string | undefined {
  return tree?.kind === "scalar" && typeof tree.value === "string" ? tree.value : undefined;
}

export function omitKeys(map: MapTree, ...keys: string[]): MapTree {
  return { ...map, entries: new Map([...map.entries].filter(([key]) => !keys.includes(key))) };
}

export function withEntry(map: MapTree, key: string, value: Tree): MapTree {
  const place = map.entries.get(key)?.key ?? value.place;
  return { ...map, entries: new Map([...map.entries, [key, { key: place, value }]]) };
}

/** Merges two mappings; keys of `top` take precedence. Anything else in `top` replaces `base`. */
export function overlay(base: Tree | undefined, top: Tree | undefined): Tree | undefined {
  if (base?.kind !== "map" || top?.kind !== "map") return top ?? base;
  return { ...top, entries: new Map([...base.entries, ...top.entries]) };
}

/** The value at a path; undefined when there is none. */
export function treeAt(tree: Tree, path: Path): Tree | undefined {
  let here: Tree | undefined = tree;
  for (const part of path) {
    if (here?.kind === "list") here = here.items[Number(part)];
    else here = getChild(here, String(part));
  }
  return here;
}

/** Paths of the values that consist of one variable. */
export function variablesIn(tree: Tree | undefined): Path[] {
  if (tree === undefined) return [];
  if (tree.kind === "scalar") return tree.variable === true ? [[]] : [];
  const parts: [string | number, Tree][] = tree.kind === "list"
    ? tree.items.map((item, i) => [i, item])
    : [...tree.entries].map(([name, { value }]) => [name, value]);
  return parts.flatMap(([key, part]) => variablesIn(part).map((path) => [key, ...path]));
}

/** Place of the value at a path, or of the nearest value that contains it. */
export function placeAt(tree: Tree, path: Path): Place {
  for (let length = path.length; length >= 0; length--) {
    const found = treeAt(tree, path.slice(0, length));
    if (found !== undefined) return found.place;
  }
  return tree.place;
}

export function toValue(tree: Tree): unknown {
  switch (tree.kind) {
    case "scalar":
      return tree.value;
    case "list":
      return tree.items.map(toValue);
    case "map":
      return Object.fromEntries([...tree.entries].map(([key, { value }]) => [key, toValue(value)]));
  }
}

/** A copy of the tree with each scalar replaced. */
export function mapScalars(tree: Tree, change: (scalar: ScalarTree) => ScalarTree): Tree {
  switch (tree.kind) {
    case "scalar":
      return change(tree);
    case "list":
      return { ...tree, items: tree.items.map((item) => mapScalars(item, change)) };
    case "map":
      return {
        ...tree,
        entries: new Map(
          [...tree.entries].map(([name, { key, value }]) =>
            [name, { key, value: mapScalars(value, change) }] as const
          ),
        ),
      };
  }
}
