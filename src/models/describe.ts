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
 */
export function describedEnum<const T extends Readonly<Record<string, string>>>(
  values: T,
  meta: { readonly id?: string; readonly description?: string } = {},
): z.ZodEnum<{ [K in keyof T & string]: K }> {
  const names = Object.keys(values) as (keyof T & string)[];
  return z.enum(names as [keyof T & string, ...(keyof T & string)[]])
    .meta({ ...meta, enumDescriptions: Object.values(values) }) as never;
}
