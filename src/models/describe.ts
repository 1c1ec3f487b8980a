/** Descriptions of settings and of their values, which editors show and complete. */
import { z } from "zod";

/** Describes a setting with the value that it has when it is absent; `shown` is that value in the text. */
export function withDefault(
  description: string,
  value: string | number | boolean,
  shown = String(value),
): { readonly description: string; readonly default: string | number | boolean } {
  return { description: `${description} (default: ${shown})`, default: value };
}

/**
 * An enum with a description for each value. JSON Schema has no keyword for them; editors of JSON and
 * YAML read `enumDescriptions`.
 *
 * @param refused messages for other values that a user may expect to be valid
 */
export function describedEnum<const T extends Readonly<Record<string, string>>>(
  values: T,
  meta: { readonly id?: string; readonly description?: string } = {},
  refused: Readonly<Record<string, string>> = {},
): z.ZodEnum<{ [K in keyof T & string]: K }> {
  const names = Object.keys(values) as (keyof T & string)[];
  const error = ({ input }: { readonly input?: unknown }) =>
    typeof input === "string" && Object.hasOwn(refused, input) ? refused[input] : undefined;
  return z.enum(names as [keyof T & string, ...(keyof T & string)[]], { error })
    .meta({ ...meta, enumDescriptions: Object.values(values) }) as never;
}
