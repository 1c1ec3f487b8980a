/**
 * Values held to shapes that are data: to load the schemas that they are made from takes longer than
 * all else that `dxt list` does. What does not fit, the schemas explain.
 */
import * as rules from "../../models/rules.ts";
import { SHAPES } from "./precompiled.gen.ts";

/** The part of JSON Schema that the schemas of `src/models` use, and two keys of our own. */
export interface Shape {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly items?: Shape;
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Shape | false;
  readonly propertyNames?: Shape;
  readonly anyOf?: readonly Shape[];
  readonly oneOf?: readonly Shape[];
  /** Functions of `src/models/rules.ts` that hold, too. */
  readonly rules?: readonly string[];
  /** Only the schema itself knows. */
  readonly unknown?: true;
}

/** A value does not fit, or only a schema can tell. */
export class NeedsFullCheck extends Error {}

/** What {@linkcode fit} makes of a value that does not fit: thousands of errors would take seconds. */
const NOTHING = Symbol();

/**
 * What a schema makes of a value that it accepts: the same value, keys in the order of the schema.
 *
 * @throws {NeedsFullCheck}
 */
export function validateShape(name: string, value: unknown): unknown {
  const made = fit(SHAPES[name]!, value);
  if (made === NOTHING) throw new NeedsFullCheck();
  return made;
}

function fit(shape: Shape, value: unknown): unknown {
  if (shape.unknown === true) throw new NeedsFullCheck();
  if (shape.$ref !== undefined) return fit(SHAPES[shape.$ref.replace("#/$defs/", "")]!, value);
  const alternatives = shape.anyOf ?? shape.oneOf;
  if (alternatives !== undefined) return firstFit(alternatives, value);
  if (shape.const !== undefined && value !== shape.const) return NOTHING;
  if (shape.enum !== undefined && !shape.enum.includes(value)) return NOTHING;
  const types = typeof shape.type === "string" ? [shape.type] : shape.type;
  if (types !== undefined && !types.some((type) => isOf(type, value))) return NOTHING;
  if (typeof value === "string" && !isText(value, shape)) return NOTHING;
  if (typeof value === "number" && !isWithin(value, shape)) return NOTHING;
  const made = types?.[0] === "array"
    ? itemsOf(value as readonly unknown[], shape)
    : types?.[0] === "object"
    ? entriesOf(value as Readonly<Record<string, unknown>>, shape)
    : value;
  return made === NOTHING || (shape.rules ?? []).every((rule) => RULES[rule]!(made as never))
    ? made
    : NOTHING;
}

const RULES: Readonly<Record<string, (value: never) => boolean>> = rules;

/** An alternative that only its schema knows ends the search: it may be the one. */
function firstFit(alternatives: readonly Shape[], value: unknown): unknown {
  for (const shape of alternatives) {
    const made = fit(shape, value);
    if (made !== NOTHING) return made;
  }
  return NOTHING;
}

function isOf(type: string, value: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "integer":
      return Number.isSafeInteger(value);
    case "number":
      return Number.isFinite(value);
    case "string":
      return typeof value === "string";
    default:
      return type === "boolean" && typeof value === "boolean";
  }
}

function isText(text: string, { minLength = 0, maxLength = Infinity, pattern }: Shape): boolean {
  return text.length >= minLength && text.length <= maxLength &&
    (pattern === undefined || expression(pattern).test(text));
}

const EXPRESSIONS = new Map<string, RegExp>();

function expression(pattern: string): RegExp {
  const known = EXPRESSIONS.get(pattern) ?? new RegExp(pattern);
  EXPRESSIONS.set(pattern, known);
  return known;
}

function isWithin(value: number, { minimum = -Infinity, maximum = Infinity }: Shape): boolean {
  return value >= minimum && value <= maximum;
}

function itemsOf(values: readonly unknown[], { items, minItems = 0 }: Shape): unknown {
  if (values.length < minItems) return NOTHING;
  const made: unknown[] = [];
  for (const value of values) {
    const item = fit(items!, value);
    if (item === NOTHING) return NOTHING;
    made.push(item);
  }
  return made;
}

function entriesOf(
  value: Readonly<Record<string, unknown>>,
  { properties = {}, required = [], additionalProperties = false }: Shape,
): unknown {
  if (required.some((key) => !Object.hasOwn(value, key))) return NOTHING;
  const known = Object.keys(properties).filter((key) => Object.hasOwn(value, key));
  const others = Object.keys(value).filter((key) => !Object.hasOwn(properties, key));
  if (others.length > 0 && additionalProperties === false) return NOTHING;
  const made: [string, unknown][] = [];
  for (const key of [...known, ...others]) {
    const shape = Object.hasOwn(properties, key) ? properties[key]! : additionalProperties as Shape;
    const inside = fit(shape, value[key]);
    if (inside === NOTHING) return NOTHING;
    made.push([key, inside]);
  }
  return Object.fromEntries(made);
}
