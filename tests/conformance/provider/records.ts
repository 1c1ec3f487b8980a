/** Ordinary records that the checks load. */
import type { DXTRecord } from "../../../src/core/values/values.ts";
import type { Field } from "../../../src/models/field.ts";

export const ORDER_FIELDS: readonly Field[] = [
  { name: "id", dtype: "int64", nullable: true },
  { name: "customer", dtype: "string", nullable: true },
  { name: "total", dtype: "decimal", precision: 12, scale: 2, nullable: true },
  { name: "placed", dtype: "timestamp", nullable: true },
];

const START = new Temporal.PlainDateTime(2024, 1, 1);

/** Orders `from` up to but not including `to`; the same number is the same order. */
export function orders(from: number, to: number, customer = "customer"): DXTRecord[] {
  return Array.from({ length: to - from }, (_, i) => {
    const id = from + i;
    return {
      id: BigInt(id),
      customer: id % 7 === 0 ? null : `${customer} ${id}`,
      total: `${id}.${String(id % 100).padStart(2, "0")}`,
      placed: START.add({ minutes: id, microseconds: id }),
    };
  });
}
