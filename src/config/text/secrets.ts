/** What a logger masks. */
import { maskSecrets, SECRET_KEY } from "../../core/errors.ts";

/** Shorter ones would mask half of what is logged. */
const SHORTEST = 3;

const USER_INFO = /^[a-z][\w+.-]*:\/\/[^/?#]*?:([^/?#]*)@/i;

/**
 * Values of variables, passwords in URLs as they stand and decoded, and the values of keys such as
 * `password` or `token`; the longest first, so that a secret within another leaves nothing behind.
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
      if (secret !== undefined) found.add(secret).add(decoded(secret));
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
 * The same plain value with the names of variables in place of what they say, as far as that can be
 * found, and without what looks like a secret: for files that outlive a run.
 */
export function withVariableNames(
  value: unknown,
  variables: ReadonlyMap<string, string>,
): unknown {
  const named = [...variables].filter(([, text]) => text.length >= SHORTEST)
    .sort(([, a], [, b]) => b.length - a.length);
  const replace = (text: string) =>
    maskSecrets(
      named.reduce((said, [name, text]) => said.replaceAll(text, () => `\${${name}}`), text),
    );
  const visit = (inside: unknown): unknown => {
    if (typeof inside === "string") return replace(inside);
    if (Array.isArray(inside)) return inside.map(visit);
    if (typeof inside !== "object" || inside === null) return inside;
    return Object.fromEntries(Object.entries(inside).map(([key, below]) => [key, visit(below)]));
  };
  return visit(value);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
