/**
 * Validates against a precompiled subset of JSON Schema. Evaluating zod, as one module, and creating the
 * schemas takes 60 of the 115 ms of CPU of a `dxt list`. On a mismatch the caller falls back to zod, which
 * describes the error.
 */
import * as allRules from "../../models/rules.ts";
import { SHAPES } from "./precompiled.gen.ts";

/** The subset of JSON Schema that the schemas of `src/models` use, and two further keys. */
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
  /** Names of functions in `src/models/rules.ts` that must also accept the value. */
  readonly rules?: readonly string[];
  /** Only the zod schema can validate the value. */
  readonly unknown?: true;
}

/** The value is invalid, or only zod can decide. */
export class NeedsFullCheck extends Error {}

/** Result of {@linkcode accept} for a mismatch. Thousands of thrown errors would take seconds. */
const MISMATCH = Symbol();

/**
 * Returns what the zod schema would return: the same value, with keys in the order of the schema.
 *
 * @throws {NeedsFullCheck} on a mismatch
 */
export function validateShape(name: string, value: unknown): unknown {
  const accepted = accept(readShape(name), value);
  if (accepted === MISMATCH) throw new NeedsFullCheck();
  return accepted;
}

const shapes = new Map<string, Shape>();

/** Returns a shape by its name. */
export function readShape(name: string): Shape {
  const shape = shapes.get(name) ?? JSON.parse(SHAPES[name]!) as Shape;
  shapes.set(name, shape);
  return shape;
}

function accept(shape: Shape, value: unknown): unknown {
  if (shape.unknown === true) throw new NeedsFullCheck();
  if (shape.$ref !== undefined) return accept(readShape(shape.$ref.replace("#/$defs/", "")), value);
  const alternatives = shape.anyOf ?? shape.oneOf;
  if (alternatives !== undefined) return acceptFirst(alternatives, value);
  if (shape.const !== undefined && value !== shape.const) return MISMATCH;
  if (shape.enum !== undefined && !shape.enum.includes(value)) return MISMATCH;
  const types = typeof shape.type === "string" ? [shape.type] : shape.type;
  if (types !== undefined && !types.some((type) => hasType(type, value))) return MISMATCH;
  if (typeof value === "string" && !isText(value, shape)) return MISMATCH;
  if (typeof value === "number" && !isWithin(value, shape)) return MISMATCH;
  const accepted = types?.[0] === "array"
    ? acceptItems(value as readonly unknown[], shape)
    : types?.[0] === "object"
    ? acceptEntries(value as Readonly<Record<string, unknown>>, shape)
    : value;
  const { rules = [] } = shape;
  return accepted === MISMATCH || rules.every((rule) => RULES[rule]!(accepted as never))
    ? accepted
    : MISMATCH;
}

const RULES: Readonly<Record<string, (value: never) => boolean>> = allRules;

/** The first alternative that accepts. One that needs zod throws, since it may be the right one. */
function acceptFirst(alternatives: readonly Shape[], value: unknown): unknown {
  for (const shape of alternatives) {
    const accepted = accept(shape, value);
    if (accepted !== MISMATCH) return accepted;
  }
  return MISMATCH;
}

function hasType(type: string, value: unknown): boolean {
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

function acceptItems(values: readonly unknown[], { items, minItems = 0 }: Shape): unknown {
  if (values.length < minItems) return MISMATCH;
  const accepted: unknown[] = [];
  for (const value of values) {
    const item = accept(items!, value);
    if (item === MISMATCH) return MISMATCH;
    accepted.push(item);
  }
  return accepted;
}

function acceptEntries(
  value: Readonly<Record<string, unknown>>,
  { properties = {}, required = [], additionalProperties = false }: Shape,
): unknown {
  if (required.some((key) => !Object.hasOwn(value, key))) return MISMATCH;
  const known = Object.keys(properties).filter((key) => Object.hasOwn(value, key));
  const others = Object.keys(value).filter((key) => !Object.hasOwn(properties, key));
  if (others.length > 0 && additionalProperties === false) return MISMATCH;
  const accepted: [string, unknown][] = [];
  for (const key of [...known, ...others]) {
    const shape = Object.hasOwn(properties, key) ? properties[key]! : additionalProperties as Shape;
    const inside = accept(shape, value[key]);
    if (inside === MISMATCH) return MISMATCH;
    accepted.push([key, inside]);
  }
  return Object.fromEntries(accepted);
}
