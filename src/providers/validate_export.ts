/** Validates exports of external modules, by their members; instanceof would fail across modules. */
import { ConfigurationError } from "../core/errors.ts";
import { OWN_ROWS } from "../core/contracts/loader.ts";
import type { ExtractorClass, LoaderClass, Provider } from "../core/contracts/provider.ts";
import type { TransformClass } from "../core/contracts/transform.ts";
import { CATEGORIES } from "../models/source.ts";
import { Guarantee } from "../models/guarantee.ts";
import { LOAD_MODES } from "../models/stream.ts";

/** A check for each member. */
type Shape = Readonly<Record<string, (value: unknown) => boolean>>;

const isText = (value: unknown) => typeof value === "string" && value !== "";
const isFunction = (value: unknown) => typeof value === "function";
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
const isCount = (value: unknown) => Number.isInteger(value) && value as number >= 1;
const isSchema = (value: unknown) =>
  isObject(value) && isFunction(value["safeParse"]) && isObject(value["_zod"]);
const isListFrom = (items: readonly string[]) => (value: unknown) =>
  Array.isArray(value) && value.every((item) => items.includes(item));

const isConnectionURLs = (value: unknown) =>
  isObject(value) && isFunction(value["parse"]) && Array.isArray(value["schemes"]) &&
  value["schemes"].every(isText);

/** Names of load modes, each with its guarantee. */
const isGuaranteedModes = (value: unknown) =>
  isObject(value) && Object.keys(value).length > 0 &&
  Object.entries(value).every(([mode, guarantee]) =>
    (LOAD_MODES as readonly string[]).includes(mode) && Guarantee.safeParse(guarantee).success
  );

const EXTRACTOR: Shape = {
  description: isText,
  yields: (value) => value === "records" || value === "files",
  splitsByField: (value) => value === undefined || typeof value === "boolean",
  maxWatermark: (value) => value === undefined || isFunction(value),
  options: isSchema,
  create: isFunction,
};

const LOADER: Shape = {
  description: isText,
  modes: isGuaranteedModes,
  accepts: isListFrom(["records", "files"]),
  overlaps: (value) => typeof value === "boolean",
  ownRows: (value) => value === undefined || isListFrom(OWN_ROWS)(value),
  aggregates: (value) => value === undefined || typeof value === "boolean",
  replacesWhere: (value) => value === undefined || typeof value === "boolean",
  deletesMissing: (value) => value === undefined || typeof value === "boolean",
  options: isSchema,
  create: isFunction,
  createParallel: (value) => value === undefined || isFunction(value),
  getOutcome: (value) => value === undefined || isFunction(value),
  listLeftovers: (value) => value === undefined || isFunction(value),
  removeLeftover: (value) => value === undefined || isFunction(value),
};

const TRANSFORM: Shape = { description: isText, options: isSchema, create: isFunction };

const PROVIDER: Shape = {
  name: isText,
  category: (value) => CATEGORIES.some((category) => category === value),
  description: isText,
  config: isSchema,
  urls: (value) => value === undefined || isConnectionURLs(value),
  connect: isFunction,
  permissions: isFunction,
  targetPath: (value) => value === undefined || isFunction(value),
  connectionsPerThread: (value) => value === undefined || isCount(value),
  keepsConnections: (value) => value === undefined || typeof value === "boolean",
  extractors: isObject,
  loaders: isObject,
};

/** @throws {ConfigurationError} that names the first invalid member */
export function asProvider(value: unknown, from: string): Provider {
  const provider = checkShape<Provider>(value, PROVIDER, "provider", from);
  for (const [name, one] of Object.entries(provider.extractors)) {
    asExtractor(one, `${from}#${name}`);
  }
  for (const [name, one] of Object.entries(provider.loaders)) asLoader(one, `${from}#${name}`);
  return provider;
}

export function isProvider(value: unknown): boolean {
  return findProblem(value, PROVIDER) === undefined;
}

export function asExtractor(value: unknown, from: string): ExtractorClass {
  return checkShape(value, EXTRACTOR, "extractor", from);
}

export function asLoader(value: unknown, from: string): LoaderClass {
  return checkShape(value, LOADER, "loader", from);
}

export function asTransform(value: unknown, from: string): TransformClass {
  return checkShape(value, TRANSFORM, "transform", from);
}

function checkShape<T>(value: unknown, shape: Shape, kind: string, from: string): T {
  const problem = findProblem(value, shape);
  if (problem === undefined) return value as T;
  const members = Object.keys(shape).join(", ");
  throw new ConfigurationError(
    `Cannot use "${from}" as ${kind}: ${problem}, expected an object with ${members}`,
  );
}

function findProblem(value: unknown, shape: Shape): string | undefined {
  if (value === undefined) return "it has no such export";
  if (!isObject(value)) return `it is ${typeof value}`;
  const member = Object.keys(shape).find((name) => !shape[name]!(value[name]));
  if (member === undefined) return undefined;
  return `its "${member}" is ${value[member] === undefined ? "missing" : "invalid"}`;
}
