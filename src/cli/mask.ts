const MASK = "***";

/** Shorter ones hide nothing: where one stood is plain, and every third word would go with it. */
const SHORTEST = 3;

/**
 * What takes secrets out of text: as they are, as they stand in a URL, and as they stand between
 * double quotes.
 */
export function maskOf(secrets: readonly string[]): (text: string) => string {
  const forms = new Set(
    secrets.filter(({ length }) => length >= SHORTEST).flatMap((secret) => [
      secret,
      encodeURIComponent(secret.toWellFormed()),
      JSON.stringify(secret).slice(1, -1),
    ]),
  );
  // A secret may be part of another one: the longest goes first.
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((masked, form) => masked.replaceAll(form, MASK), text);
}

/** Keys whose values are names and words of dxt: readers of the JSON look them up. */
const NAMES: ReadonlySet<string> = new Set([
  "pipeline",
  "run_id",
  "started_at",
  "stream",
  "id",
  "tags",
  "status",
  "mode",
  "extract",
  "load",
  "type",
  "watermark_before",
  "watermark_after",
]);

/** The same JSON value with every string in it masked, except in names. */
export function maskStrings(value: unknown, mask: (text: string) => string): unknown {
  if (typeof value === "string") return mask(value);
  if (Array.isArray(value)) return value.map((element) => maskStrings(element, mask));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inside]) => [
      key,
      NAMES.has(key) && typeof inside !== "object" ? inside : maskStrings(inside, mask),
    ]),
  );
}
