/** Values in messages between threads: structured clone supports neither Temporal nor classes. */
import { JSONText } from "./values.ts";

const TEMPORAL = {
  PlainDate: Temporal.PlainDate,
  PlainTime: Temporal.PlainTime,
  PlainDateTime: Temporal.PlainDateTime,
  Instant: Temporal.Instant,
} as const;

/** Classes of values that a message marks, by name. */
export const MARKED = ["PlainDate", "PlainTime", "PlainDateTime", "Instant", "JSON"] as const;

/** Key of an object that stands for another one. */
export const MARK = "dxt:value";

/** A value of one of the marked classes, as a message has it. */
export interface MarkedValue {
  readonly [MARK]: (typeof MARKED)[number];
  readonly text: string;
}

/** The same data, with values of classes marked so that {@linkcode fromTransferable} restores them. */
export function toTransferable(data: unknown): unknown {
  if (typeof data !== "object" || data === null) return data;
  if (Array.isArray(data)) return data.map(toTransferable);
  if (!isPlain(data)) return markedValue(data) ?? data;
  const copy = mapValues(data, toTransferable);
  // An object that has the key by itself.
  return Object.hasOwn(data, MARK) ? { [MARK]: "object", object: copy } : copy;
}

/** Restores what {@linkcode toTransferable} marked. For messages of dxt's own code only. */
export function fromTransferable(data: unknown): unknown {
  if (typeof data !== "object" || data === null) return data;
  if (Array.isArray(data)) return data.map(fromTransferable);
  if (!isPlain(data)) return data;
  if (!Object.hasOwn(data, MARK)) return mapValues(data, fromTransferable);
  const marked = data as unknown as MarkedValue | { [MARK]: "object"; object: object };
  return marked[MARK] === "object" ? mapValues(marked.object, fromTransferable) : restore(marked);
}

/** @throws {RangeError} for a text that is no value of its class */
export function restore({ [MARK]: type, text }: MarkedValue) {
  return type === "JSON" ? new JSONText(text) : TEMPORAL[type].from(text);
}

function markedValue(value: object): MarkedValue | undefined {
  if (value instanceof JSONText) return { [MARK]: "JSON", text: value.text };
  const found = Object.entries(TEMPORAL).find(([, type]) => value instanceof type);
  return found && { [MARK]: found[0] as keyof typeof TEMPORAL, text: value.toString() };
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function mapValues(data: object, change: (value: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, change(value)]));
}
