/** Suggests watermark fields and keys of a dataset. */
import type { Field } from "../../models/field.ts";

/** Names of fields that are set whenever a record changes. */
const CHANGED =
  /(^|_)(updated?|modified|changed?|last_?(update|updated|modified|change|changed))(_?(at|on|date|time|timestamp|ts))?$/;
/** Names of fields that are set once, when a record is created. */
const CREATED =
  /(^|_)(created?|inserted|added|loaded|ingested|recorded|occurred|event|published|sent|received|logged)(_?(at|on|date|time|timestamp|ts))?$|^(timestamp|ts|datetime|date|time)$/;
const VERSION = /^(row_?version|version|revision|seq|sequence|lsn|change_?id|offset)$/;

const TIMES: readonly Field["dtype"][] = ["timestamp_tz", "timestamp", "date"];
const NUMBERS: readonly Field["dtype"][] = ["int32", "int64", "uint32", "uint64"];

/**
 * Returns possible watermark fields, the best first: fields of an ordered type whose names say that they are
 * set when a record changes or is created. Fields that are never NULL come before the others.
 */
export function watermarkCandidates(fields: readonly Field[]): string[] {
  return fields.map((field) => ({ name: field.name, rank: rankField(field) }))
    .filter(({ rank }) => rank > 0)
    .sort((a, b) => b.rank - a.rank)
    .map(({ name }) => name);
}

function rankField({ name, dtype, nullable }: Field): number {
  const word = name.replace(/([a-z\d])([A-Z])/g, "$1_$2").toLowerCase();
  const certain = nullable ? 0 : 1;
  if (TIMES.includes(dtype)) {
    const precise = dtype === "date" ? 0 : 2;
    if (CHANGED.test(word)) return 20 + precise + certain;
    return CREATED.test(word) ? 10 + precise + certain : 0;
  }
  return NUMBERS.includes(dtype) && VERSION.test(word) ? 5 + certain : 0;
}

/** Fields that identify a record: the source's primary key. */
export function keyCandidates(fields: readonly Field[]): string[] {
  return fields.filter(({ key }) => key === true).map(({ name }) => name);
}
