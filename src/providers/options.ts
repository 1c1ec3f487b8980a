/** Turns the zod errors of a provider's options into one message. */
import { suggestWord } from "../core/did_you_mean.ts";
import type { Provider } from "../core/contracts/provider.ts";

type Schema = Provider["config"];
type Issues = NonNullable<ReturnType<Schema["safeParse"]>["error"]>;

export interface OptionIssue {
  readonly message: string;
  /** Path of the invalid key. */
  readonly path: readonly (string | number)[];
}

/** The most helpful issue: an unknown key before a missing one, which it probably misspells. */
export function firstIssue(schema: Schema, { issues }: Issues): OptionIssue {
  const issue = issues.find(({ code }) => code === "unrecognized_keys") ?? issues[0]!;
  const path = issue.path.filter((part) => typeof part !== "symbol");
  if (issue.code === "unrecognized_keys") {
    const known = schemaKeys(schema);
    const key = issue.keys[0]!;
    const wanted = known.length === 0 ? "none is known" : `known are ${known.join(", ")}`;
    return {
      message: `unknown key "${key}": ${wanted}${suggestWord(key, known)}`,
      path: [...path, key],
    };
  }
  const detail = issue.code === "too_small" && issue.origin === "string"
    ? "it is empty, expected some text"
    : issue.message.replace(/^Invalid input: /, "");
  const missing = /^(expected .+), received undefined$/.exec(detail);
  const name = path.join(".");
  if (missing !== null) return { message: `key "${name}" is missing, ${missing[1]}`, path };
  return { message: name === "" ? detail : `key "${name}": ${detail}`, path };
}

/** Keys of an object schema; none for any other schema. */
function schemaKeys(schema: Schema): string[] {
  const { shape } = schema as { shape?: unknown };
  return typeof shape === "object" && shape !== null ? Object.keys(shape) : [];
}
