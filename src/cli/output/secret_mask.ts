/** Masks known secrets in text, in every form in which messages contain them. */
import { maskSecrets } from "../../core/errors.ts";

const MASK = "***";

/** Characters of the shortest secret that is masked; shorter ones occur in ordinary words. */
const SHORTEST = 3;

/** Characters of a value that error messages show at most. */
const SHOWN = 60;

/** Characters of the shortest line that is masked on its own, of a secret such as a PEM key. */
const SHORTEST_LINE = 8;

/** Returns a function that masks these secrets, and text that looks like one (`maskSecrets`). */
export function createMask(secrets: readonly string[]): (text: string) => string {
  const forms = new Set(
    secrets.flatMap((secret) => [secret, ...splitSecret(secret)])
      .filter(({ length }) => length >= SHORTEST).flatMap(encodeSecret),
  );
  // A secret may be part of another one, so the longest is replaced first.
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  return (text) =>
    maskSecrets(longestFirst.reduce((masked, form) => masked.replaceAll(form, MASK), text));
}

/** Parts of a secret that a message may show: the beginning of a long one, each of its lines. */
function splitSecret(secret: string): string[] {
  const lines = secret.includes("\n") ? secret.split(/\r?\n/) : [];
  return [
    ...(secret.length > SHOWN ? [secret.slice(0, SHOWN)] : []),
    ...lines.filter(({ length }) => length >= SHORTEST_LINE),
  ];
}

/** The secret unchanged, in the URL encodings in use, and quoted for JSON, SQL, libpq and shells. */
function encodeSecret(secret: string): string[] {
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

/** Keys whose values are names and words of dxt, which programs that read the JSON rely on. */
const NAMES: ReadonlySet<string> = new Set([
  "pipeline",
  "run_id",
  "started_at",
  "time",
  "level",
  "event",
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

/** A copy of a JSON value with every string masked, except values of {@linkcode NAMES}. */
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
