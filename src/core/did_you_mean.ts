/** Suggestions for mistyped words. */

/** `, did you mean "…"` with the most similar known word; empty when none is similar. */
export function suggestWord(word: string, known: readonly string[]): string {
  return suggest(findSimilar(word, known));
}

/** `, did you mean "…"`; empty without a word. */
export function suggest(word: string | undefined): string {
  return word === undefined ? "" : `, did you mean "${word}"`;
}

/** The most similar known word; undefined when none is similar. */
export function findSimilar(word: string, known: readonly string[]): string | undefined {
  if (word === "") return undefined;
  let best: string | undefined;
  let least = Math.max(1, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Damerau-Levenshtein distance: a swap of two neighbors counts as one edit. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row[j] = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j]!, before[j - 2]! + 1);
      }
    }
    [before, last] = [last, row];
  }
  return last[b.length]!;
}
