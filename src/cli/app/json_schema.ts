/** JSON Schemas of pipelines, projects and output, derived from the zod schemas of the models. */
import { z } from "zod";
import type { Provider } from "../../core/contracts/provider.ts";
import { CATEGORY_SOURCES } from "../../models/source.ts";

type JSONSchema = { [key: string]: unknown };

/**
 * The JSON Schema of a model, for editors. Wherever a value is not free text, a variable such as
 * `${PORT}` is allowed instead.
 */
export function buildJSONSchema(model: z.ZodType, providers: readonly Provider[]): JSONSchema {
  const schema = toJSONSchema(model);
  const { $schema, title: _title, $defs, ...rest } = schema;
  const { $ref } = rest as { $ref?: string };
  const definitions = { ...$defs as Record<string, JSONSchema> };
  const name = $ref?.replace("#/$defs/", "");
  const top = name === undefined ? rest : definitions[name]!;
  if (name !== undefined) delete definitions[name];
  definitions["Endpoint"] = endpoint(providers);
  for (const name of ["StreamSource", "StreamTarget"]) {
    const dataset = definitions[name];
    if (dataset !== undefined) definitions[name] = withKnownTypes(dataset, providers);
  }
  const stream = definitions["Stream"];
  // Config gives a wildcard its id; only a pipeline has streams.
  if (stream !== undefined) definitions["Stream"] = { ...stream, required: ["source"] };
  const open = Object.fromEntries(
    Object.entries(definitions).sort(([a], [b]) => a < b ? -1 : 1)
      .map(([key, definition]) => [key, withVariables(definition) as JSONSchema]),
  );
  return { $schema, ...withVariables(top) as JSONSchema, $defs: { ...open, Variable: VARIABLE } };
}

/** Leaves out the types of datasets that no provider has. */
function withKnownTypes(
  { oneOf, ...rest }: JSONSchema,
  providers: readonly Provider[],
): JSONSchema {
  const known = new Set<unknown>(providers.flatMap(({ category }) => CATEGORY_SOURCES[category]));
  const variants = oneOf as { properties: { type: { const: unknown } } }[];
  return { ...rest, oneOf: variants.filter(({ properties }) => known.has(properties.type.const)) };
}

/** The JSON Schema of what dxt prints for programs: one of these models. */
export function buildOutputSchema(...models: readonly z.ZodType[]): JSONSchema {
  return z.toJSONSchema(models.length === 1 ? models[0]! : z.union(models)) as JSONSchema;
}

function toJSONSchema(schema: z.ZodType): JSONSchema {
  return z.toJSONSchema(schema, {
    target: "draft-2020-12",
    io: "input",
    unrepresentable: "any",
  }) as JSONSchema;
}

const VARIABLE: JSONSchema = {
  description: "A variable: ${NAME}, ${NAME:-default} or ${NAME:?message}",
  type: "string",
  pattern: "\\$\\{[A-Za-z_]\\w*(:[-?].*)?\\}",
};

const TEXT: JSONSchema = { type: "string", minLength: 1 };

function endpoint(providers: readonly Provider[]): JSONSchema {
  const url = { ...TEXT, description: "URL of the connection; other keys take precedence over it" };
  const names = providers.map(({ name }) => name);
  const others = {
    type: "object",
    description: "A provider by its class path",
    properties: {
      provider: {
        ...TEXT,
        description: "Class path of the provider, such as ./acme.ts or https://host/mod.ts",
        not: { enum: names },
      },
      url,
    },
    required: ["provider"],
  };
  const connection = {
    type: "object",
    description:
      "A connection of the project, or a URL, with keys that take precedence over its own",
    properties: {
      connection: { ...TEXT, description: "Name of a connection of the project, or a URL" },
    },
    required: ["connection"],
  };
  const byURL = {
    type: "object",
    properties: { url },
    required: ["url"],
    not: { required: ["provider"] },
  };
  return {
    description: "A connection: a name, a URL, or {provider, …}",
    anyOf: [
      TEXT,
      connection,
      byURL,
      ...providers.map((provider) => connectionSchema(provider, url)),
      others,
    ],
  };
}

/**
 * The connection keys of one provider. The URL may have the required keys instead; it is the last
 * alternative, since editors report the first one.
 */
function connectionSchema({ name, description, config }: Provider, url: JSONSchema): JSONSchema {
  const { $schema: _schema, $defs, ...schema } = toJSONSchema(config);
  const { properties = {}, required = [], ...rest } = inlineReferences(schema, $defs) as {
    properties?: JSONSchema;
    required?: string[];
  };
  return {
    ...rest,
    type: "object",
    description,
    properties: { provider: { const: name, description }, url, ...properties },
    required: ["provider"],
    ...(required.length === 0 ? {} : { anyOf: [{ required }, { required: ["url"] }] }),
  };
}

/** Inlines `$ref`s: within the whole document they would point to the wrong definitions. */
function inlineReferences(schema: unknown, definitions: unknown): unknown {
  if (Array.isArray(schema)) return schema.map((item) => inlineReferences(item, definitions));
  if (typeof schema !== "object" || schema === null) return schema;
  const { $ref, ...rest } = schema as { $ref?: string };
  if ($ref !== undefined) {
    const found = (definitions as Record<string, object>)[$ref.replace("#/$defs/", "")];
    return inlineReferences({ ...found, ...rest }, definitions);
  }
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => [key, inlineReferences(value, definitions)]),
  );
}

/** Keys whose value maps names to schemas. */
const NAMED = new Set(["properties", "$defs", "patternProperties"]);

/** Allows a variable wherever the schema does not accept arbitrary text. */
function withVariables(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withVariables);
  if (typeof schema !== "object" || schema === null) return schema;
  const inside = Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if (key === "not" || key === "enum" || key === "propertyNames") return [key, value];
      if (!NAMED.has(key)) return [key, withVariables(value)];
      return [
        key,
        Object.fromEntries(Object.entries(value).map(([name, one]) => [name, withVariables(one)])),
      ];
    }),
  ) as JSONSchema;
  const { type, description, default: value, ...rest } = inside;
  const fixed = "enum" in inside || (type === "string" && "pattern" in inside) ||
    (["integer", "number", "boolean"].includes(String(type)) && !("const" in inside));
  if (!fixed) return inside;
  return {
    ...(description === undefined ? {} : { description }),
    ...(value === undefined ? {} : { default: value }),
    anyOf: [{ ...(type === undefined ? {} : { type }), ...rest }, { $ref: "#/$defs/Variable" }],
  };
}
