/** Catalog of operators (providers, extractors, loaders) and their options, read from zod schemas. */
import { z } from "zod";
import type { GuaranteedModes } from "../../models/guarantee.ts";
import type { Provider } from "../../core/contracts/provider.ts";

export interface Operator {
  /** Class path of an extractor or loader; name of a provider. */
  readonly name: string;
  readonly kind: "provider" | "extractor" | "loader";
  readonly category: string;
  readonly description: string;
  /** Of a loader. */
  readonly modes?: GuaranteedModes;
  readonly options: readonly OperatorOption[];
}

export interface OperatorOption {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly default?: unknown;
  readonly description: string;
}

/** Lists each provider, followed by its extractors and loaders. */
export function listOperators(providers: readonly Provider[]): Operator[] {
  return providers.flatMap((provider) => {
    const { name, category, description, config, extractors, loaders } = provider;
    const classes = (kind: "extractor" | "loader", all: typeof extractors | typeof loaders) =>
      Object.entries(all).map(([className, one]): Operator => ({
        name: `dxt.providers.${name}.${className}`,
        kind,
        category,
        description: one.description,
        ...("modes" in one ? { modes: one.modes } : {}),
        options: listOptions(one.options),
      }));
    return [
      { name, kind: "provider" as const, category, description, options: listOptions(config) },
      ...classes("extractor", extractors),
      ...classes("loader", loaders),
    ];
  });
}

interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
}

/** Lists the keys of an object, or of all variants of a union. */
export function listOptions(model: z.ZodType): OperatorOption[] {
  const schema = z.toJSONSchema(model, { io: "input", unrepresentable: "any" }) as Schema;
  const definitions = schema.$defs ?? {};
  const resolved = (one: Schema): Schema => {
    const name = one.$ref?.replace("#/$defs/", "");
    return name === undefined ? one : { ...resolved(definitions[name]!), ...one };
  };
  const top = resolved(schema);
  const parts = [top, ...top.anyOf ?? [], ...top.oneOf ?? [], ...top.allOf ?? []].map(resolved);
  const found = new Map<string, OperatorOption>();
  for (const { properties = {}, required = [] } of parts) {
    for (const [name, one] of Object.entries(properties)) {
      const option = resolved(one);
      found.set(name, {
        name,
        type: typeText(option, resolved),
        required: required.includes(name),
        ...(option.default === undefined ? {} : { default: option.default }),
        description: option.description ?? "",
      });
    }
  }
  return [...found.values()];
}

function typeText(schema: Schema, resolved: (one: Schema) => Schema): string {
  const { type, items, anyOf, oneOf } = schema;
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map(enumText).join(" | ");
  const choices = anyOf ?? oneOf;
  if (choices !== undefined) {
    return [...new Set(choices.map((one) => typeText(resolved(one), resolved)))].join(" | ");
  }
  if (type === "array") {
    return items === undefined ? "list" : `list of ${typeText(resolved(items), resolved)}`;
  }
  return typeof type === "string" ? type : type?.join(" | ") ?? "any";
}

/** The value as JSON writes it, a text without its quotes: a line break stays visible. */
function enumText(value: unknown): string {
  return JSON.stringify(value).replace(/^"(.*)"$/, "$1");
}
