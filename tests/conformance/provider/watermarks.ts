import assert from "node:assert/strict";
import { ValueError } from "../../../src/core/errors.ts";
import type { DXTRecord, Value } from "../../../src/core/values/values.ts";
import type { DXTType } from "../../../src/models/dtype.ts";
import type { Field } from "../../../src/models/field.ts";
import { comparable } from "../values.ts";
import { type Check, rowsOf, type Trial } from "./trial.ts";

const plain = (text: string) => Temporal.PlainDateTime.from(text);
const instant = (text: string) => Temporal.Instant.from(text);

/** Rising values of each type that watermarks have; neighbours are as near as the type allows. */
const RISING: Partial<Record<DXTType, readonly Exclude<Value, null>[]>> = {
  int32: [-5, 2, 10, 100],
  int64: [-(2n ** 62n), 9n, 9007199254740992n, 9007199254740993n],
  uint64: [0n, 9n, 2n ** 63n, 2n ** 64n - 1n],
  decimal: ["-1.10", "2.00", "10.00", "10.01"],
  float64: [-1.5, 2, 10, 1e300],
  string: ["", "A", "a", "é"],
  date: [
    new Temporal.PlainDate(999, 12, 31),
    new Temporal.PlainDate(1969, 12, 31),
    new Temporal.PlainDate(2024, 2, 29),
    new Temporal.PlainDate(2024, 3, 1),
  ],
  timestamp: [
    plain("1969-12-31T23:59:59.999999"),
    plain("2024-01-01T00:00:00"),
    plain("2024-01-01T00:00:00.000001"),
    plain("2024-01-01T00:00:00.1"),
  ],
  timestamp_tz: [
    instant("1969-12-31T23:59:59.999999Z"),
    instant("2024-01-01T00:00:00Z"),
    instant("2024-01-01T00:00:00.000001Z"),
    instant("2024-01-01T00:00:00.1Z"),
  ],
};

/** Values without a place in the order. */
const PLACELESS: Partial<Record<DXTType, readonly Value[]>> = {
  float64: [NaN, Infinity, -Infinity],
  date: ["infinity", "-infinity"],
  timestamp: ["infinity", "-infinity"],
  timestamp_tz: ["infinity", "-infinity"],
};

const fieldOf = (dtype: DXTType): Field => ({
  name: "mark",
  dtype,
  ...(dtype === "decimal" ? { precision: 20, scale: 2 } : {}),
  nullable: true,
});

async function loadRising(trial: Trial, dtype: DXTType): Promise<readonly DXTRecord[]> {
  const values = RISING[dtype]!;
  // Not in order, and with NULL first.
  const records = [null, values[2]!, values[0]!, values[3]!, values[1]!].map((mark) => ({ mark }));
  await trial.load(`mark_${dtype}`, [fieldOf(dtype)], records);
  return values.map((mark) => ({ mark }));
}

export const watermarkChecks = {
  "no watermark": {
    title: "a missing, an empty and an all-NULL target have no watermark",
    async run(trial) {
      const loader = await trial.loader();
      assert.equal(await loader.getMaxWatermark(trial.target("nowhere"), "mark"), undefined);
      for (const records of [[], [{ mark: null }]]) {
        await trial.load("nothing", [fieldOf("timestamp")], records);
        assert.equal(await loader.getMaxWatermark(trial.target("nothing"), "mark"), undefined);
      }
    },
  },
  "highest watermark": {
    title: "the watermark of a target is its highest value, in the type's own order and precision",
    async run(trial) {
      const loader = await trial.loader();
      for (const dtype of Object.keys(RISING) as DXTType[]) {
        const rising = await loadRising(trial, dtype);
        const highest = await loader.getMaxWatermark(trial.target(`mark_${dtype}`), "mark");
        const wanted = trial.widenValue(rising.at(-1)!["mark"]!, fieldOf(dtype));
        assert.deepEqual(comparable(highest), comparable(wanted), dtype);
      }
    },
  },
  "range": {
    title: "a range takes what is newer, with its bounds only when they are inclusive",
    async run(trial) {
      for (const dtype of Object.keys(RISING) as DXTType[]) {
        const rising = await loadRising(trial, dtype);
        const field = fieldOf(dtype);
        const bound = (i: number, inclusive: boolean) => ({
          value: trial.widenValue(rising[i]!["mark"]!, field) as Exclude<Value, null>,
          inclusive,
        });
        const rows = (range: Record<string, unknown>) =>
          trial.rows(`mark_${dtype}`, {
            range: { field: "mark", nulls: "exclude", ...range },
          });
        const wanted = (from: number, to: number) =>
          rowsOf(trial.widenRecords([field], rising.slice(from, to)));
        assert.deepEqual(await rows({ after: bound(1, false) }), wanted(2, 4), dtype);
        assert.deepEqual(await rows({ after: bound(1, true) }), wanted(1, 4), dtype);
        assert.deepEqual(await rows({ after: bound(3, false) }), [], dtype);
        assert.deepEqual(await rows({ upTo: bound(2, false) }), wanted(0, 2), dtype);
        assert.deepEqual(await rows({ upTo: bound(2, true) }), wanted(0, 3), dtype);
        assert.deepEqual(
          await rows({ after: bound(0, false), upTo: bound(2, true) }),
          wanted(1, 3),
          dtype,
        );
      }
    },
  },
  "NULL watermarks": {
    title: "records without a watermark are included or excluded as the range says",
    async run(trial) {
      const rising = await loadRising(trial, "int64");
      const after = {
        value: trial.widenValue(rising[2]!["mark"]!, fieldOf("int64")) as Exclude<Value, null>,
        inclusive: false,
      };
      const rows = (nulls: "include" | "exclude") =>
        trial.rows("mark_int64", { range: { field: "mark", after, nulls } });
      const newest = trial.widenRecords([fieldOf("int64")], rising.slice(3));
      assert.deepEqual(await rows("exclude"), rowsOf(newest));
      assert.deepEqual(await rows("include"), rowsOf([...newest, { mark: null }]));
      assert.equal(
        (await trial.rows("mark_int64", { range: { field: "mark", nulls: "exclude" } })).length,
        4,
      );
    },
  },
  "placeless watermarks": {
    title: "NaN and infinity are never the highest watermark, and count as NULL in a range",
    async run(trial) {
      const loader = await trial.loader();
      for (const [dtype, words] of Object.entries(PLACELESS) as [DXTType, readonly Value[]][]) {
        const rising = RISING[dtype]!;
        const records = [...words, ...rising.slice(0, 3), null].map((mark) => ({ mark }));
        const name = `placeless_${dtype}`;
        const field = fieldOf(dtype);
        try {
          await trial.load(name, [field], records);
        } catch (error) {
          // A target that knows no infinity refuses it, and so has none.
          if (error instanceof ValueError) continue;
          throw error;
        }
        const highest = await loader.getMaxWatermark(trial.target(name), "mark", { as: field });
        assert.deepEqual(comparable(highest), comparable(rising[2]!), dtype);
        const value = rising[1]!;
        const projections = [{ field, column: "mark" }];
        const bounds = [{ after: { value, inclusive: false } }, {
          upTo: { value, inclusive: true },
        }];
        for (const [at, bound] of bounds.entries()) {
          const inside = at === 0 ? [rising[2]!] : [rising[0]!, rising[1]!];
          for (const nulls of ["include", "exclude"] as const) {
            const range = { field: "mark", nulls, ...bound };
            const found = await trial.rows(name, { projections, range });
            const without = nulls === "include" ? [...words, null] : [];
            const all = [...inside, ...without].map((mark) => ({ mark }));
            assert.deepEqual(found, rowsOf(all), `${dtype} ${nulls}`);
          }
        }
      }
    },
  },
  "own rows": {
    title: "the watermark of a stream's own rows is that of the rows with its values",
    when: ({ provider }) =>
      Object.values(provider.loaders).some(({ ownRows }) => ownRows?.includes("values") === true),
    async run(trial) {
      const loader = await trial.loader();
      const marks: readonly [DXTType, string | number | boolean, string | number | boolean][] = [
        ["string", "eu", "us"],
        ["string", "EU", "eu"],
        ["string", "it's", "a \\"],
        ["string", "7", "x"],
        ["int32", 7, 70],
        ["bool", true, false],
      ];
      for (const [at, [dtype, mine, other]] of marks.entries()) {
        const whose: Field = { name: "whose", dtype, nullable: true };
        const records: DXTRecord[] = [
          { mark: 5n, whose: mine },
          { mark: 3n, whose: mine },
          { mark: 9n, whose: other },
          { mark: 11n, whose: null },
        ];
        const target = trial.target(`own_${at}`);
        await trial.load(`own_${at}`, [fieldOf("int64"), whose], records);
        const highest = (value: string | number | boolean) =>
          loader.getMaxWatermark(target, "mark", { own: { values: { whose: value } } });
        assert.equal(String(await highest(mine)), "5", `${dtype} ${mine}`);
        assert.equal(String(await highest(other)), "9", `${dtype} ${other}`);
        const nobody = dtype === "string" ? "nobody" : dtype === "int32" ? 8 : undefined;
        if (nobody !== undefined) assert.equal(await highest(nobody), undefined, dtype);
        await assert.rejects(
          loader.getMaxWatermark(target, "mark", { own: { values: { gone: 1 } } }),
          /"gone"/,
        );
      }
    },
  },
} satisfies Record<string, Check>;
