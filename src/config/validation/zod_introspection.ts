/** Inspects a zod schema at a path: its keys, and whether it accepts a number or boolean. */
import type { z } from "zod";
import type { Path } from "../text/tree.ts";

interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly element?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly discriminator?: string;
  readonly in?: z.ZodType;
  readonly getter?: () => z.ZodType;
}

function definition(schema: z.ZodType): Definition {
  return schema._zod.def as unknown as Definition;
}

/** The schemas that may apply to a value, with wrappers and unions resolved. */
function alternatives(schema: z.ZodType, value: unknown): z.ZodType[] {
  const def = definition(schema);
  if (def.options !== undefined) {
    const all = def.options.flatMap((option) => alternatives(option, value));
    const { discriminator } = def;
    if (discriminator === undefined) return all;
    const wanted = own(value, discriminator);
    const matching = all.filter((option) => {
      const key = definition(option).shape?.[discriminator];
      return key !== undefined && key.safeParse(wanted).success;
    });
    return matching.length > 0 ? matching : all;
  }
  const inner = def.innerType ?? def.in ?? (def.type === "lazy" ? def.getter?.() : undefined);
  return inner === undefined ? [schema] : alternatives(inner, value);
}

function own(value: unknown, key: string | number): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string | number, unknown>)[key]
    : undefined;
}

/** The schemas at a path. The whole value selects among alternatives. */
export function schemasAt(schema: z.ZodType, value: unknown, path: Path): z.ZodType[] {
  let here = alternatives(schema, value);
  let inside = value;
  for (const part of path) {
    inside = own(inside, part);
    here = here.flatMap((candidate) => {
      const def = definition(candidate);
      const below = def.shape !== undefined && Object.hasOwn(def.shape, part)
        ? def.shape[part]
        : def.element ?? def.valueType;
      return below === undefined ? [] : alternatives(below, inside);
    });
  }
  return here;
}

/** Keys of the mapping at a path, with their descriptions. */
export function keysAt(schema: z.ZodType, value: unknown, path: Path): Map<string, string> {
  const keys = new Map<string, string>();
  for (const found of schemasAt(schema, value, path)) {
    for (const [key, below] of Object.entries(definition(found).shape ?? {})) {
      keys.set(key, below.description ?? "");
    }
  }
  return keys;
}

/** Reads text as the number or boolean that the schema expects; undefined when it is neither. */
export function readAs(
  schema: z.ZodType,
  value: unknown,
  path: Path,
  text: string,
): number | boolean | undefined {
  const types = schemasAt(schema, value, path).map((found) => definition(found).type);
  if (types.includes("string")) return undefined;
  if (types.includes("boolean") && (text === "true" || text === "false")) return text === "true";
  if (!types.includes("number") || !/^-?(0|[1-9]\d*)(\.\d+)?$/.test(text)) return undefined;
  const number = Number(text);
  return Number.isInteger(number) && !Number.isSafeInteger(number) ? undefined : number;
}
