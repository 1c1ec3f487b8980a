/** Statistics over the rounds. */

/** The median; for an even number of values, the mean of the two middle ones. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Rotates the items by the round, so that none always comes first. */
export function rotated<T>(items: readonly T[], round: number): T[] {
  const at = items.length === 0 ? 0 : round % items.length;
  return [...items.slice(at), ...items.slice(0, at)];
}

/**
 * The median of `a ÷ b` over the rounds that have both, since a slow moment of the machine affects
 * both. Undefined when no round has both.
 */
export function pairedRatio(
  a: ReadonlyMap<number, number>,
  b: ReadonlyMap<number, number>,
): number | undefined {
  const ratios = [...a].flatMap(([round, value]) => {
    const other = b.get(round);
    return other === undefined ? [] : [value / other];
  });
  return ratios.length === 0 ? undefined : median(ratios);
}
