/** Values in messages between threads: structured clone supports neither Temporal nor classes. */
import { JSONText, type Value } from "./values.ts";

const TEMPORAL = {
  PlainDate: Temporal.PlainDate,
  PlainTime: Temporal.PlainTime,
  PlainDateTime: Temporal.PlainDateTime,
  Instant: Temporal.Instant,
} as const;

/** A value that structured clone supports. */
export type TransferableValue =
  | null
  | number
  | bigint
  | string
  | boolean
  | Uint8Array
  | { readonly type: keyof typeof TEMPORAL | "JSON"; readonly text: string };

export function toTransferable(value: Value): TransferableValue {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  if (value instanceof JSONText) return { type: "JSON", text: value.text };
  const [type] = Object.entries(TEMPORAL).find(([, kind]) => value instanceof kind)!;
  return { type: type as keyof typeof TEMPORAL, text: value.toString() };
}

export function fromTransferable(value: TransferableValue): Value {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
  return value.type === "JSON" ? new JSONText(value.text) : TEMPORAL[value.type].from(value.text);
}
