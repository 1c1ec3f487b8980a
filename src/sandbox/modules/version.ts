/** Semantic versions (https://semver.org) and version ranges of packages. */

interface Version {
  readonly numbers: readonly [number, number, number];
  readonly pre: readonly string[];
}

const VERSION = /^(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+[0-9A-Za-z.-]+)?$/;
const PARTIAL =
  /^(\^|~|>=|<=|>|<|=)?\s*v?(\d+|[xX*])(?:\.(\d+|[xX*]))?(?:\.(\d+|[xX*]))?(?:-([0-9A-Za-z.-]+))?(?:\+\S+)?$/;

/**
 * Returns the highest version in a range; undefined when none is in it, or the range is invalid.
 * Pre-releases count only where the range names a pre-release of the same version.
 */
export function highestVersion(versions: readonly string[], range: string): string | undefined {
  const alternatives = range.split("||").map((text) => parseRange(text.trim()));
  let best: { text: string; version: Version } | undefined;
  for (const text of versions) {
    const version = parseVersion(text);
    if (version === undefined) continue;
    const fits = alternatives.some((all) => all !== undefined && isInRange(version, all));
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

function parseVersion(text: string): Version | undefined {
  const match = VERSION.exec(text);
  if (match === null) return undefined;
  const [, major, minor, patch, pre] = match;
  return {
    numbers: [Number(major), Number(minor), Number(patch)],
    pre: pre === undefined ? [] : pre.split("."),
  };
}

function isInRange(version: Version, comparators: readonly Comparator[]): boolean {
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

/** Parses a range into comparators that must all hold; undefined when it is invalid. */
function parseRange(text: string): Comparator[] | undefined {
  const hyphen = /^(\S+)\s+-\s+(\S+)$/.exec(text);
  const words = hyphen === null
    ? text.replace(/(\^|~|>=|<=|>|<|=)\s+/g, "$1").split(/\s+/)
    : [`>=${hyphen[1]}`, `<=${hyphen[2]}`];
  const all: Comparator[] = [];
  for (const word of words) {
    const some = parseComparator(word === "" ? "*" : word);
    if (some === undefined) return undefined;
    all.push(...some);
  }
  return all;
}

function parseComparator(word: string): Comparator[] | undefined {
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
  /** Returns the first version with a higher part at this index. */
  const increment = (index: number): Version => ({
    numbers: [
      index === 0 ? major + 1 : major,
      index === 1 ? minor + 1 : index < 1 ? 0 : minor,
      index === 2 ? patch + 1 : 0,
    ],
    pre: [],
  });
  const rangeUpTo = (index: number): Comparator[] => [
    { operator: ">=", version: from },
    ...(index < 0 ? [] : [{ operator: "<", version: increment(index) } as const]),
  ];
  switch (operator) {
    case "^":
      return rangeUpTo(
        known === 0 ? -1 : Math.min(
          known - 1,
          major > 0 ? 0 : minor > 0 ? 1 : known === 1 ? 0 : known === 2 ? 1 : 2,
        ),
      );
    case "~":
      return rangeUpTo(Math.min(known - 1, 1));
    case ">=":
    case "<":
      return [{ operator, version: from }];
    case ">":
    case "<=":
      if (known === 3) return [{ operator, version: from }];
      if (known === 0) return operator === ">" ? undefined : [];
      return [{ operator: operator === ">" ? ">=" : "<", version: increment(known - 1) }];
    default:
      return known === 3 ? [{ operator: "=", version: from }] : rangeUpTo(known - 1);
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
