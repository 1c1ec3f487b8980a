/** Semantic versions (https://semver.org), and the ranges that package names have. */

interface Version {
  readonly numbers: readonly [number, number, number];
  readonly pre: readonly string[];
}

const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;
const PARTIAL =
  /^(\^|~|>=|<=|>|<|=)?\s*v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:-([0-9A-Za-z.-]+))?(?:\+\S+)?$/;

/**
 * The highest version that is in a range; undefined when none is, or the range cannot be read.
 * Versions before a release count only where the range names one of the same release.
 */
export function highestVersion(versions: readonly string[], range: string): string | undefined {
  const alternatives = range.split("||").map((text) => comparatorsOf(text.trim()));
  let best: { text: string; version: Version } | undefined;
  for (const text of versions) {
    const version = parse(text);
    if (version === undefined) continue;
    const fits = alternatives.some((all) => all !== undefined && isIn(version, all));
    if (fits && (best === undefined || compare(version, best.version) > 0)) {
      best = { text, version };
    }
  }
  return best?.text;
}

interface Comparator {
  readonly operator: ">=" | "<" | ">" | "<=" | "=";
  readonly version: Version;
}

function parse(text: string): Version | undefined {
  const match = VERSION.exec(text);
  if (match === null) return undefined;
  const [, major, minor, patch, pre] = match;
  return {
    numbers: [Number(major), Number(minor), Number(patch)],
    pre: pre === undefined ? [] : pre.split("."),
  };
}

function isIn(version: Version, comparators: readonly Comparator[]): boolean {
  const holds = comparators.every(({ operator, version: bound }) => {
    const order = compare(version, bound);
    switch (operator) {
      case ">=":
        return order >= 0;
      case "<=":
        return order <= 0;
      case ">":
        return order > 0;
      case "<":
        return order < 0;
      case "=":
        return order === 0;
    }
  });
  if (!holds || version.pre.length === 0) return holds;
  return comparators.some(({ version: bound }) =>
    bound.pre.length > 0 && bound.numbers.every((number, i) => number === version.numbers[i])
  );
}

/** Comparators that all must hold; undefined when the text is no range. */
function comparatorsOf(text: string): Comparator[] | undefined {
  const hyphen = /^(\S+)\s+-\s+(\S+)$/.exec(text);
  const words = hyphen === null
    ? text.replace(/(\^|~|>=|<=|>|<|=)\s+/g, "$1").split(/\s+/)
    : [`>=${hyphen[1]}`, `<=${hyphen[2]}`];
  const all: Comparator[] = [];
  for (const word of words) {
    const some = comparatorsOfWord(word === "" ? "*" : word);
    if (some === undefined) return undefined;
    all.push(...some);
  }
  return all;
}

function comparatorsOfWord(word: string): Comparator[] | undefined {
  const match = PARTIAL.exec(word);
  if (match === null) return undefined;
  const [, operator = "", ...parts] = match;
  const wild = parts.slice(0, 3).findIndex((part) => part === undefined || /^[xX*]$/.test(part));
  const known = wild < 0 ? 3 : wild;
  const [major, minor, patch] = [0, 1, 2].map((i) => (i < known ? Number(parts[i]) : 0)) as [
    number,
    number,
    number,
  ];
  const from: Version = {
    numbers: [major, minor, patch],
    pre: known === 3 && parts[3] !== undefined ? parts[3].split(".") : [],
  };
  /** The first version whose part of this index is one higher. */
  const after = (index: number): Version => ({
    numbers: [
      index === 0 ? major + 1 : major,
      index === 1 ? minor + 1 : index < 1 ? 0 : minor,
      index === 2 ? patch + 1 : 0,
    ],
    pre: [],
  });
  const between = (index: number): Comparator[] => [
    { operator: ">=", version: from },
    ...(index < 0 ? [] : [{ operator: "<", version: after(index) } as const]),
  ];
  switch (operator) {
    case "^":
      return between(
        known === 0 ? -1 : Math.min(
          known - 1,
          major > 0 ? 0 : minor > 0 ? 1 : known === 1 ? 0 : known === 2 ? 1 : 2,
        ),
      );
    case "~":
      return between(Math.min(known - 1, 1));
    case ">=":
    case "<":
      return [{ operator, version: from }];
    case ">":
    case "<=":
      if (known === 3) return [{ operator, version: from }];
      if (known === 0) return operator === ">" ? undefined : [];
      return [{ operator: operator === ">" ? ">=" : "<", version: after(known - 1) }];
    default:
      return known === 3 ? [{ operator: "=", version: from }] : between(known - 1);
  }
}

function compare(a: Version, b: Version): number {
  for (let i = 0; i < 3; i++) {
    if (a.numbers[i] !== b.numbers[i]) return a.numbers[i]! - b.numbers[i]!;
  }
  if (a.pre.length === 0 || b.pre.length === 0) return b.pre.length - a.pre.length;
  for (let i = 0; i < Math.max(a.pre.length, b.pre.length); i++) {
    const order = compareIdentifiers(a.pre[i], b.pre[i]);
    if (order !== 0) return order;
  }
  return 0;
}

function compareIdentifiers(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const [x, y] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (x && y) return Number(a) - Number(b);
  if (x !== y) return x ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
