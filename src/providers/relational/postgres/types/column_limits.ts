/** What a column takes less of than its type: the server would round, cut or refuse without a name. */
import {
  type Data,
  INFINITE_DAY,
  INFINITE_MICROS,
  NEGATIVE_INFINITE_DAY,
  NEGATIVE_INFINITE_MICROS,
  textReader,
} from "../../../../arrow/mod.ts";
import { ValueError } from "../../../../core/errors.ts";
import type { Field } from "../../../../models/field.ts";
import type { TableColumn } from "../sql/catalog.ts";
import { NAME_BYTES } from "../sql/dialect.ts";
import { EPOCH_DAYS, EPOCH_MICROS } from "./epoch.ts";
import { refuseRepeatedKeys } from "./json_keys.ts";
import { nativeType } from "./type_mapper.ts";
import { parseTypeName } from "./type_name.ts";

/** Throws when a row's value, which is not NULL, does not go into the column. */
export type Check = (row: number) => void;

/** First day and microsecond, and those after the last, from 2000-01-01; of `datatype/timestamp.h`. */
export const DAYS = [-2_451_545, 2_145_031_949] as const;
export const MICROS = [-211_813_488_000_000_000n, 9_223_371_331_200_000_000n] as const;
const DAY_END = 86_400_000_000n;

/** The check of a column's values; undefined when there is nothing that could be wrong. */
export function limitCheck(field: Field, column: TableColumn, data: Data): Check | undefined {
  const { base, args, array } = parseTypeName(column.type);
  switch (field.dtype) {
    case "date":
      return dateCheck(field, data);
    case "time":
    case "timestamp":
    case "timestamp_tz":
      return microsCheck(field, data, args[0] ?? 6);
    case "string":
    case "json":
    case "array":
    case "object":
      return both(
        textCheck(field, data, array ? "array" : base, args[0]),
        keysCheck(field, column, data),
      );
    default:
      return undefined;
  }
}

function both(first: Check | undefined, second: Check | undefined): Check | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  return (row) => {
    first(row);
    second(row);
  };
}

function refuse(field: Field, data: Data, row: number, wanted: string): never {
  throw new ValueError(
    `expected ${wanted}`,
    field.name,
    undefined,
    textReader(field, data, "any")(row),
  );
}

function dateCheck(field: Field, data: Data): Check {
  const days = data.values as Int32Array;
  return (row) => {
    const day = days[row]!;
    if (day === INFINITE_DAY || day === NEGATIVE_INFINITE_DAY) return;
    if (day - EPOCH_DAYS < DAYS[0] || day - EPOCH_DAYS >= DAYS[1]) {
      refuse(field, data, row, "a date from 4714-11-24 BC to 5874897-12-31");
    }
  };
}

function microsCheck(field: Field, data: Data, precision: number): Check {
  const values = data.values as BigInt64Array;
  const unit = 10n ** BigInt(6 - precision);
  return (row) => {
    const value = values[row]!;
    if (field.dtype === "time") {
      if (value < 0n || value >= DAY_END) refuse(field, data, row, "a time of day");
    } else {
      if (value === INFINITE_MICROS || value === NEGATIVE_INFINITE_MICROS) return;
      if (value - EPOCH_MICROS < MICROS[0] || value - EPOCH_MICROS >= MICROS[1]) {
        refuse(field, data, row, "a timestamp from 4714-11-24 BC to the year 294276");
      }
    }
    if (unit !== 1n && value % unit !== 0n) {
      refuse(field, data, row, `${precision} digits of the second, as the column has`);
    }
  };
}

function textCheck(
  field: Field,
  data: Data,
  base: string,
  limit: number | undefined,
): Check | undefined {
  const bytes = data.values as Uint8Array;
  const offsets = data.valueOffsets as Int32Array;
  // One look at all values: hardly any text has the character.
  const first = bytes.subarray(offsets[0], offsets[data.length]).indexOf(0);
  const counted = limit !== undefined && (base === "varchar" || base === "bpchar");
  if (first < 0 && !counted && base !== "name") return undefined;
  // Blanks at the end of a text are its own, those of char(n) are the server's.
  const padded = base === "bpchar" && counted &&
    parseTypeName(nativeType(field) ?? "").base !== base;
  return (row) => {
    const [from, to] = [offsets[row]!, offsets[row + 1]!];
    if (first >= 0 && bytes.subarray(from, to).includes(0)) {
      refuse(field, data, row, "text without U+0000, which PostgreSQL cannot store");
    }
    if (counted && to - from > limit && characters(bytes, from, to) > limit) {
      refuse(field, data, row, `at most ${limit} characters, as the column has`);
    }
    // As many characters as the column has are kept as they are.
    if (padded && to > from && bytes[to - 1] === BLANK && characters(bytes, from, to) < limit) {
      refuse(
        field,
        data,
        row,
        `a text without blanks at its end, or of ${limit} characters: the column adds its own`,
      );
    }
    if (base === "name" && to - from > NAME_BYTES) {
      refuse(field, data, row, `at most ${NAME_BYTES} bytes, as the column has`);
    }
  };
}

const BLANK = 0x20;

/** A jsonb would keep the last of several keys; text from a jsonb has none of them. */
function keysCheck(field: Field, { type }: TableColumn, data: Data): Check | undefined {
  if (type !== "jsonb" || field.dtype === "string" || nativeType(field) === type) return undefined;
  const read = textReader(field, data, "any");
  return (row) => refuseRepeatedKeys(read(row)!, field.name);
}

/** Code points of UTF-8: all bytes but those that continue one. */
function characters(bytes: Uint8Array, from: number, to: number): number {
  let count = 0;
  for (let i = from; i < to; i++) if ((bytes[i]! & 0xc0) !== 0x80) count++;
  return count;
}
