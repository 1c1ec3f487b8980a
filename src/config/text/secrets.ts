/** Finds the secrets of a pipeline, which printer and stage mask. */
import { maskSecrets, SECRET_KEY } from "../../core/errors.ts";

/** Characters of the shortest secret; masking shorter ones would mask ordinary words. */
const SHORTEST = 3;

/** Characters of the shortest value in a query that is masked with its name, such as `code=…`. */
const SHORTEST_IN_QUERY = 6;

/** A web address, or a path below one, with its query. Other URLs have options there, such as `sslmode`. */
const WEB_QUERY = /^(?:https?:\/\/|(?![a-z][\w+.-]*:))[^\s?]*\?([^\s#]+)/i;

const USER_INFO = /^[a-z][\w+.-]*:\/\/[^/?#]*?:([^/?#]*)@/i;

/**
 * Values of variables, passwords in URLs (encoded and decoded), and values of keys such as
 * `password` or `token`. The longest come first, so that a secret within another is fully masked.
 */
export function findSecrets(variables: Iterable<string>, values: unknown): string[] {
  const found = new Set<string>();
  const addURL = (text: string): void => {
    const password = USER_INFO.exec(text)?.[1];
    const query = text.includes("://") ? [...(/\?([^#]*)/.exec(text)?.[1] ?? "").split("&")] : [];
    const inQuery = query.map((part) => part.split("=")).filter(([key]) =>
      SECRET_KEY.test(key ?? "")
    ).map(([, value]) => value);
    for (const secret of [password, ...inQuery]) {
      if (secret !== undefined) found.add(secret).add(decodeIfValid(secret));
    }
  };
  const visit = (value: unknown, secret: boolean): void => {
    if (typeof value === "string") {
      if (secret) found.add(value);
      addURL(value);
    } else if (typeof value === "number") {
      if (secret) found.add(String(value));
    } else if (typeof value === "object" && value !== null) {
      for (const [key, inside] of Object.entries(value)) {
        visit(inside, secret || (!Array.isArray(value) && SECRET_KEY.test(key)));
      }
    }
  };
  for (const value of variables) {
    found.add(value);
    addURL(value);
  }
  visit(values, false);
  return [...found].filter((secret) => secret.length >= SHORTEST)
    .sort((a, b) => b.length - a.length);
}

/**
 * The parts `name=value` in queries of web addresses, as written and as encoded in requests: under any name
 * there may be a key to the file. They are masked, but tell one address from another.
 */
export function findQueries(values: unknown): string[] {
  if (typeof values === "string") {
    return listQueryPairs(values).flatMap((pair) => {
      const [[name, value] = ["", ""]] = new URLSearchParams(pair);
      return [pair, `${name}=${value}`, new URLSearchParams([[name, value]]).toString()];
    });
  }
  if (typeof values !== "object" || values === null) return [];
  return Object.values(values).flatMap(findQueries);
}

/** The parts `name=value` of a web address with values that may be secrets. */
function listQueryPairs(text: string): string[] {
  const pairs = WEB_QUERY.exec(text)?.[1]?.split("&") ?? [];
  return pairs.filter((pair) =>
    pair.length - pair.indexOf("=") > SHORTEST_IN_QUERY && /.=/.test(pair)
  );
}

/** A web address with its values masked: `x.csv?code=***`. */
function hideQuery(text: string): string {
  return listQueryPairs(text).reduce(
    (whole, pair) => whole.replaceAll(pair, () => pair.replace(/=.*$/s, "=***")),
    text,
  );
}

/**
 * A copy of a JSON value for files that outlive a run: values of variables are replaced by
 * `${NAME}` where they occur, and text that looks like a secret is masked.
 */
export function withVariableNames(
  value: unknown,
  variables: ReadonlyMap<string, string>,
): unknown {
  const named = [...variables].filter(([, text]) => text.length >= SHORTEST)
    .sort(([, a], [, b]) => b.length - a.length);
  const replace = (text: string) =>
    maskSecrets(
      named.reduce((whole, [name, value]) => whole.replaceAll(value, () => `\${${name}}`), text),
    );
  const visit = (inside: unknown): unknown => {
    if (typeof inside === "string") return replace(hideQuery(inside));
    if (Array.isArray(inside)) return inside.map(visit);
    if (typeof inside !== "object" || inside === null) return inside;
    return Object.fromEntries(Object.entries(inside).map(([key, below]) => [key, visit(below)]));
  };
  return visit(value);
}

function decodeIfValid(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
