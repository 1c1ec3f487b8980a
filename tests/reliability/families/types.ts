/**
 * Moves the extremes of each type from each system into each system: they arrive as the same values, or are refused
 * with an error of dxt.
 */
import assert from "node:assert/strict";
import { DXTError } from "../../../src/core/errors.ts";
import {
  type DXTRecord,
  formatValue,
  JSONText,
  parseText,
  type Value,
} from "../../../src/core/values/values.ts";
import type { Field } from "../../../src/models/field.ts";
import { comparable, extremes, FIELDS_OF_EVERY_TYPE } from "../../conformance/values.ts";
import { type Family, Fault, observe, type Outcome, type Scope } from "../outcome.ts";
import { openPlace, type Place, PLACES } from "../places.ts";

export const TYPES: Family = {
  name: "types",
  title: "extremes of each type, from each system into each other one",
  run,
};

/** Values besides the extremes that some systems cannot hold. */
const MORE: Partial<Record<Field["dtype"], readonly Value[]>> = {
  float32: [NaN, -0],
  float64: [NaN, Infinity],
  string: ["a\0b", "\ufffe", " ", "é"],
  date: ["infinity", "-infinity", new Temporal.PlainDate(-43, 3, 15)],
  timestamp: ["infinity", new Temporal.PlainDateTime(12_024, 1, 1)],
  timestamp_tz: ["-infinity", Temporal.Instant.from("-000043-03-15T00:00:00Z")],
  json: [new JSONText('{"a":1,"a":2}'), new JSONText("1e400")],
};

/** Each value that was kept, with the number that identifies its row. */
type Kept = ReadonlyMap<number, Value>;

const KEY: Field = { name: "k", dtype: "int32", nullable: false };

async function* run(scope: Scope): AsyncIterable<Outcome> {
  await using places = new AsyncDisposableStack();
  const open: Place[] = [];
  for (const name of PLACES) {
    const place = await openPlace(name, scope);
    if (place !== undefined) open.push(places.use(place));
  }
  for (const [i, source] of open.entries()) {
    // A short suite moves them only into the next system.
    const targets = scope.isShort ? [open[(i + 1) % open.length]!] : open;
    for (const field of FIELDS_OF_EVERY_TYPE) {
      yield* moveField(source, targets, field);
    }
  }
}

/** Writes the extremes of a field to the source, reads them, and moves what was read to the targets. */
async function* moveField(
  source: Place,
  targets: readonly Place[],
  field: Field,
): AsyncIterable<Outcome> {
  const values = [...extremes().map(({ [field.name]: value }) => value), ...MORE[field.dtype] ?? []]
    .filter((value) => value !== null && value !== undefined);
  const given: Kept = new Map([...values.entries(), [values.length, null]]);
  const table = `types_${field.name}`;
  let held: { readonly field: Field; readonly kept: Kept } | undefined;
  yield await observe(TYPES.name, `${field.name} → ${source.name}`, async () => {
    held = await keep(source, table, field, given);
    return describe(given, held.kept);
  });
  if (held === undefined) return;
  for (const target of targets) {
    const name = `${field.name}: ${source.name} → ${target.name}`;
    yield await observe(TYPES.name, name, async () => {
      const { kept } = await keep(target, `from_${source.name}_${table}`, held!.field, held!.kept);
      return describe(held!.kept, kept);
    });
  }
}

const describe = (given: Kept, kept: Kept) =>
  `${kept.size} exact, ${given.size - kept.size} refused`;

/**
 * Loads values, and reads them back with the type that the system reports.
 *
 * @returns those that it did not refuse
 * @throws {Fault} for a value that has changed
 */
async function keep({ trial }: Place, table: string, field: Field, given: Kept) {
  const write = (values: Kept) =>
    trial.load(
      table,
      [KEY, field],
      Array.from(values, ([k, value]): DXTRecord => ({ k, [field.name]: value })),
    );
  const taken = await takeValues(write, given);
  const [key, own] = await trial.fields(table);
  // A file without types is read as the pipeline declares it.
  const there = own === undefined || own.inferred === true ? field : own;
  const projections = [key!, there].map((one, i) => ({
    field: i === 0 ? KEY : one,
    column: one.name,
  }));
  const { records } = await trial.read(table, { projections });
  const kept = new Map(records.map((record) => [record["k"] as number, record[field.name]!]));
  if (kept.size < taken.size) throw new Fault("lost", `${taken.size - kept.size} rows are missing`);
  if (records.length > taken.size) throw new Fault("doubled", `${records.length} rows`);
  for (const [k, value] of taken) {
    const found = kept.get(k)!;
    if (isSame(value, field, found, there)) continue;
    throw new Fault("changed", `${show(value, field)} became ${show(found, there)}`);
  }
  return { field: there, kept };
}

const show = (value: Value, { dtype }: Field) =>
  value === null ? "NULL" : `${dtype} ${JSON.stringify(formatValue(value, dtype))}`;

/** Loads all values, without those that are refused; what is thrown must be an error of dxt. */
async function takeValues(write: (values: Kept) => Promise<unknown>, given: Kept): Promise<Kept> {
  if (await isTaken(() => write(given))) return given;
  const taken = new Map<number, Value>();
  for (const [k, value] of given) {
    if (await isTaken(() => write(new Map([[k, value]])))) taken.set(k, value);
  }
  assert.ok(taken.size < given.size, "values are refused together, and taken alone");
  await write(taken);
  return taken;
}

async function isTaken(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof DXTError) return false;
    throw error;
  }
}

/** Whether a value of another type is the same: equal when read by the first type, or the same number. */
function isSame(value: Value, field: Field, found: Value, there: Field): boolean {
  if (value === null || found === null) return value === found;
  const [before, after] = [formatValue(value, field.dtype), formatValue(found, there.dtype)];
  // A moment whose system has no zones is the date and time that it is in UTC.
  const isInUTC = field.dtype === "timestamp_tz" && there.dtype === "timestamp";
  if ((isInUTC ? before.replace(/Z$/, "") : before) === after) return true;
  if (value instanceof JSONText) return canonicalJSON(before) === canonicalJSON(after);
  const [number, other] = [canonicalNumber(before), canonicalNumber(after)];
  if (number !== undefined && number === other) return true;
  try {
    return comparable(parseText(after, field)) === comparable(value);
  } catch (error) {
    if (error instanceof DXTError) return false;
    throw error;
  }
}

/** Sign, digits without zeros at the ends, and the power of ten of the last one; undefined for what is no number. */
function canonicalNumber(text: string): string | undefined {
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null || text === "") return undefined;
  const [, sign, whole = "", part = "", power = "0"] = match;
  const digits = `${whole}${part}`.replace(/^0+/, "");
  const short = digits.replace(/0+$/, "");
  const exponent = Number(power) - part.length + digits.length - short.length;
  return `${sign === "-" ? "-" : ""}${short}e${short === "" ? 0 : exponent}`;
}

/** JSON without blanks, its keys in order, its numbers as {@linkcode canonicalNumber} has them. */
function canonicalJSON(text: string): string {
  const parse = JSON.parse as (
    text: string,
    revive: (key: string, value: unknown, context: { source?: string }) => unknown,
  ) => unknown;
  return JSON.stringify(
    parse(text, (_, value, { source }) => {
      if (typeof value === "number") return `number ${canonicalNumber(source!)}`;
      if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
      return Object.fromEntries(Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1));
    }),
  );
}
