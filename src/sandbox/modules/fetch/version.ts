/**
 * Ranges of package versions (https://semver.org): `*`, `1`, `1.2`, `1.2.3`, `^1.2.3` and `~1.2.3`.
 * A pre-release is chosen only by its whole name.
 */

const RELEASE = /^(\d+)\.(\d+)\.(\d+)(?:\+.*)?$/;
const RANGE = /^([\^~]?)(\d+)(?:\.(\d+))?(?:\.(\d+))?$/;

/** Returns the highest version in a range; undefined if there is none, or the range is invalid. */
export function findHighestVersion(versions: readonly string[], range: string): string | undefined {
  if (versions.includes(range)) return range;
  const [, operator = "", ...parts] = RANGE.exec(range) ?? [];
  const lowest = parseNumbers(parts);
  if (lowest.length === 0 && range !== "*") return undefined;
  const fixed = lowest.slice(0, countFixed(operator, lowest));
  const releases = versions.map((text) => ({
    text,
    numbers: parseNumbers(RELEASE.exec(text)?.slice(1)),
  }))
    .filter(({ numbers }) =>
      numbers.length > 0 && fixed.every((number, i) => numbers[i] === number) &&
      compareNumbers(numbers, lowest) >= 0
    );
  return releases.sort((a, b) => compareNumbers(b.numbers, a.numbers))[0]?.text;
}

/** How many leading numbers all versions in a range share. */
function countFixed(operator: string, lowest: readonly number[]): number {
  if (operator === "~") return Math.min(lowest.length, 2);
  const first = lowest.findIndex((number) => number > 0);
  return operator === "^" && first >= 0 ? first + 1 : lowest.length;
}

function parseNumbers(parts: readonly (string | undefined)[] = []): number[] {
  return parts.filter((part) => /^\d+$/.test(part ?? "")).map(Number);
}

/** Orders by the first number that differs; a missing number is 0. */
function compareNumbers(a: readonly number[], b: readonly number[]): number {
  const at = [0, 1, 2].find((i) => (a[i] ?? 0) !== (b[i] ?? 0));
  return at === undefined ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}
