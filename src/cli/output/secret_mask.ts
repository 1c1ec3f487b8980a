import { maskSecrets } from "../../core/errors.ts";

const MASK = "***";

/** Shorter ones hide nothing: where one stood is plain, and every third word would go with it. */
const SHORTEST = 3;

/** Messages show so much of a value. */
const SHOWN = 60;

/** Lines of a secret of several lines, such as a key, that say something. */
const SHORTEST_LINE = 8;

/**
 * What takes secrets out of text: those that are known, in all forms in which texts hold them, and
 * what looks like one (`maskSecrets`).
 */
export function createMask(secrets: readonly string[]): (text: string) => string {
  const forms = new Set(
    secrets.flatMap((secret) => [secret, ...partsOf(secret)])
      .filter(({ length }) => length >= SHORTEST).flatMap(formsOf),
  );
  // A secret may be part of another one: the longest goes first.
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return (text) =>
    maskSecrets(longestFirst.reduce((masked, form) => masked.replaceAll(form, MASK), text));
}

/** Of a long secret a message shows the beginning, of one with several lines a line. */
function partsOf(secret: string): string[] {
  const lines = secret.includes("\n") ? secret.split(/\r?\n/) : [];
  return [
    ...(secret.length > SHOWN ? [secret.slice(0, SHOWN)] : []),
    ...lines.filter(({ length }) => length >= SHORTEST_LINE),
  ];
}

/** As it is, in a URL as programs write it, between quotes of JSON, SQL, libpq and a shell. */
function formsOf(secret: string): string[] {
  const encoded = encodeURIComponent(secret.toWellFormed());
  const strictly = encoded.replace(
    /[!'()*]/g,
    (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    ...[secret, encoded, strictly, encoded.replaceAll("%20", "+"), json],
    new URLSearchParams({ a: secret }).toString().slice("a=".length),
    ...[encoded, strictly].map((text) => text.replace(/%../g, (code) => code.toLowerCase())),
    encodeURI(secret.toWellFormed()),
    JSON.stringify(json).slice(1, -1),
    ...["''", "\\'", "'\\''"].map((quote) => secret.replaceAll("'", quote)),
  ];
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
