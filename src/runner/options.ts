/** What a provider's own schema says against the keys that it was given. */
import { nearest } from "../core/nearest.ts";
import type { Provider } from "../core/provider.ts";

type Schema = Provider["config"];
type Issues = NonNullable<ReturnType<Schema["safeParse"]>["error"]>;

export interface OptionIssue {
  readonly message: string;
  /** Keys that lead to what is wrong. */
  readonly path: readonly (string | number)[];
}

/** The first issue, told with the known keys where one is unknown. */
export function firstIssue(schema: Schema, { issues }: Issues): OptionIssue {
  const issue = issues[0]!;
  const path = issue.path.filter((part) => typeof part !== "symbol");
  if (issue.code === "unrecognized_keys") {
    const known = keysOf(schema);
    const key = issue.keys[0]!;
    const wanted = known.length === 0 ? "there are none" : `known are ${known.join(", ")}`;
    return {
      message: `unknown key "${key}": ${wanted}${nearest(key, known)}`,
      path: [...path, key],
    };
  }
  const name = path.length === 0 ? "" : `key "${path.join(".")}": `;
  return { message: `${name}${issue.message}`, path };
}

/** Keys of an object schema; none for a schema of another shape. */
function keysOf(schema: Schema): string[] {
  const { shape } = schema as { shape?: unknown };
  return typeof shape === "object" && shape !== null ? Object.keys(shape) : [];
}
