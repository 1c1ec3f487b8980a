import assert from "node:assert/strict";
import { ExpectationError, LoaderError, SchemaError } from "../../../src/core/errors.ts";
import { formatValue } from "../../../src/core/values/values.ts";
import type { Field } from "../../../src/models/field.ts";
import { type Check, HISTORY, type LoadOptions, refused, type Trial, versions } from "./trial.ts";

const FIELDS: readonly Field[] = [
  { name: "a", dtype: "int32", nullable: true },
  { name: "b", dtype: "string", nullable: true },
  { name: "v", dtype: "string", nullable: true },
];
const TIME: Field = { name: "at", dtype: "timestamp", nullable: true };
const TIMED = [...FIELDS, TIME];

const row = (a: number, v: string | null, b = "x") => ({ a, b, v });

/** A row that is valid from an hour of one day. */
const timed = (a: number, hour: number, v: string | null) => ({
  ...row(a, v),
  at: new Temporal.PlainDateTime(2026, 3, 1, hour),
});

const KEYS = { mode: "scd2", upsertKeys: ["a", "b"] } as const;
const BY_TIME = { ...KEYS, history: { ...HISTORY, fromField: "at" } } as const;
const CLOSING = { ...KEYS, deletes: { maxPercent: 60 } } as const;

/**
 * The versions of each key in the order of their times, such as `1x: one | two` for one that begins where the other
 * ends; `~` stands for a time between them in which there is none, and closes the last one if it is not current.
 */
async function readVersions(trial: Trial, name: string): Promise<string[]> {
  const { records } = await trial.read(name);
  const chains = new Map<string, typeof records>();
  for (const record of records) {
    const key = `${record["a"]}${record["b"]}`;
    chains.set(key, [...chains.get(key) ?? [], record]);
  }
  return [...chains].map(([key, chain]) => {
    const text = (value: unknown) => value === null ? null : formatValue(value as string);
    const from = (one: typeof chain[number]) => text(one[HISTORY.validFrom])!;
    chain.sort((one, other) => from(one) < from(other) ? -1 : 1);
    const values = chain.map((record, i) => {
      const to = text(record[HISTORY.validTo]);
      assert.equal(Boolean(record[HISTORY.isCurrent]), to === null, `is_current of ${key}`);
      assert.ok(to === null || from(record) < to, `a version of ${key} is valid at no time`);
      const next = chain[i + 1];
      if (next === undefined) return `${record["v"]}${to === null ? "" : " ~"}`;
      assert.ok(to !== null && to <= from(next), `versions of ${key} overlap`);
      return `${record["v"]} ${to === from(next) ? "|" : "~"} `;
    });
    return `${key}: ${values.join("")}`;
  }).sort();
}

/** Loads rows and compares the versions afterwards; the load is verified in full. */
async function expectVersions(
  trial: Trial,
  name: string,
  records: Parameters<Trial["load"]>[2],
  options: LoadOptions,
  wanted: readonly string[],
): Promise<void> {
  const fields = options.history?.fromField === undefined ? FIELDS : TIMED;
  for (const time of ["first", "repeated"]) {
    const receipt = await trial.load(name, fields, records, { verify: "full", ...options });
    assert.deepEqual([receipt.rows, receipt.verified?.level], [records.length, "full"]);
    assert.deepEqual(await readVersions(trial, name), wanted, `${time} load`);
    if (time === "repeated") assert.match(receipt.evidence, /0 versions added, 0 ended/);
  }
}

export const historyChecks = {
  "versions": {
    title:
      "a row that has changed is a new version, an unchanged one is not, and NULL is like NULL",
    when: versions,
    async run(trial) {
      const first = [row(1, "one"), row(2, null), row(3, "three"), row(3, "other", "y")];
      await expectVersions(
        trial,
        "kept",
        first,
        KEYS,
        ["1x: one", "2x: null", "3x: three", "3y: other"],
      );
      const next = [row(1, "One"), row(2, "two"), row(3, null), row(4, "four")];
      await expectVersions(
        trial,
        "kept",
        next,
        KEYS,
        ["1x: one | One", "2x: null | two", "3x: three | null", "3y: other", "4x: four"],
      );
      await expectVersions(
        trial,
        "kept",
        [row(1, "one")],
        KEYS,
        [
          ...["1x: one | One | one", "2x: null | two", "3x: three | null", "3y: other", "4x: four"],
        ],
      );
    },
  },
  "versions of only keys": {
    title: "of records that are nothing but key each key has one version",
    when: versions,
    async run(trial) {
      for (let time = 0; time < 2; time++) {
        await trial.load("only_keys", FIELDS.slice(0, 2), [row(1, ""), row(2, "")], KEYS);
        assert.equal((await trial.read("only_keys")).records.length, 2);
      }
    },
  },
  "versions of a stage": {
    title: "without times the last row of a key is its version, with times each of them is",
    when: versions,
    async run(trial) {
      const several = [row(1, "one"), row(2, "two"), row(1, "three"), row(1, "four")];
      for (const batchRows of [1, 10]) {
        const options = { ...KEYS, batchRows };
        await expectVersions(trial, `last_${batchRows}`, several, options, ["1x: four", "2x: two"]);
        await expectVersions(
          trial,
          `chain_${batchRows}`,
          [timed(1, 3, "three"), timed(1, 1, "one"), timed(2, 2, "two"), timed(1, 2, "two")],
          { ...BY_TIME, batchRows },
          ["1x: one | two | three", "2x: two"],
        );
        await expectVersions(
          trial,
          `chain_${batchRows}`,
          [timed(1, 5, "five"), timed(1, 4, "wrong"), timed(1, 4, "three")],
          { ...BY_TIME, batchRows },
          ["1x: one | two | three | three | five", "2x: two"],
        );
      }
    },
  },
  "late versions": {
    title:
      "a row of an earlier time takes its place among the versions, one of the same time mends it",
    when: versions,
    async run(trial) {
      const load = (records: ReturnType<typeof timed>[], wanted: string) =>
        expectVersions(trial, "late", records, BY_TIME, [wanted]);
      await load([timed(1, 10, "ten")], "1x: ten");
      await load([timed(1, 5, "five")], "1x: five | ten");
      await load([timed(1, 7, "seven"), timed(1, 8, "eight")], "1x: five | seven | eight | ten");
      await load(
        [timed(1, 12, "twelve"), timed(1, 6, "six"), timed(1, 5, "FIVE")],
        "1x: FIVE | six | seven | eight | ten | twelve",
      );
    },
  },
  "closed versions": {
    title: "records that the source no longer has are closed, and come back as versions",
    when: versions,
    async run(trial) {
      const load = async (records: ReturnType<typeof row>[], closed: number) => {
        const { deleted } = await trial.load("closed", FIELDS, records, CLOSING);
        assert.equal(deleted, closed);
        return await readVersions(trial, "closed");
      };
      await load([row(1, "one"), row(2, "two"), row(3, "three")], 0);
      const closed = ["1x: one", "2x: two ~", "3x: three"];
      assert.deepEqual(await load([row(1, "one"), row(3, "three")], 1), closed);
      assert.deepEqual(await load([row(1, "one"), row(3, "three")], 0), closed);
      assert.deepEqual(
        await load([row(1, "one"), row(2, "two"), row(3, "new")], 0),
        ["1x: one", "2x: two ~ two", "3x: three | new"],
      );
      const error = await refused(
        () => load([], 3),
        /keys of 3 of the target's 3 rows.*at most 60/,
      );
      assert.ok(error instanceof ExpectationError);
      const plan = await trial.plan("closed", FIELDS, CLOSING);
      assert.deepEqual([plan.problems, plan.destructive], [[], []]);
    },
  },
  "closed versions by keys": {
    title: "a load of a range closes the versions of keys that the source no longer has",
    when: versions,
    async run(trial) {
      for (const options of [KEYS, BY_TIME]) {
        const name = `closed_by_keys_${options === KEYS}`;
        const load = { ...options, deletes: CLOSING.deletes };
        await trial.load(name, TIMED, [timed(1, 1, "one"), timed(2, 1, "two")], options);
        const records = [timed(3, 2, "three")];
        for (const closed of [1, 0]) {
          const receipt = await trial.load(name, TIMED, records, {
            ...load,
            keys: [row(1, ""), row(3, "")],
          });
          assert.equal(receipt.deleted, closed);
          assert.match(receipt.evidence, /closed by keys: ./);
          assert.deepEqual(await readVersions(trial, name), ["1x: one", "2x: two ~", "3x: three"]);
        }
      }
    },
  },
  "closed versions with times": {
    title: "a closed version is open again if its record comes back with the same time",
    when: versions,
    async run(trial) {
      const options = { ...BY_TIME, deletes: CLOSING.deletes };
      const load = async (records: ReturnType<typeof timed>[]) => {
        await trial.load("reopened", TIMED, records, options);
        return await readVersions(trial, "reopened");
      };
      const both = [timed(1, 1, "one"), timed(2, 2, "two")];
      assert.deepEqual(await load(both), ["1x: one", "2x: two"]);
      assert.deepEqual(await load([both[0]!]), ["1x: one", "2x: two ~"]);
      assert.deepEqual(await load(both), ["1x: one", "2x: two"]);
      assert.deepEqual(await load([both[0]!]), ["1x: one", "2x: two ~"]);
      // It begins before the closed version ends, and divides that version: the record exists now.
      await trial.load("reopened", TIMED, [timed(2, 3, "three")], BY_TIME);
      assert.deepEqual(await readVersions(trial, "reopened"), ["1x: one", "2x: two | three"]);
    },
  },
  "rows without a time": {
    title: "a version without a time, or whose time is no time, is refused",
    when: versions,
    async run(trial) {
      const before = [timed(1, 1, "one")];
      await trial.load("timeless", TIMED, before, BY_TIME);
      const wrong = [timed(1, 2, "two"), { ...timed(2, 2, "two"), at: null }];
      await refused(() => trial.load("timeless", TIMED, wrong, BY_TIME), /"at"/);
      assert.deepEqual(await readVersions(trial, "timeless"), ["1x: one"]);
      for (const [fromField, words] of [["v", /it is string, expected a date/], ["w", /no such/]]) {
        const options = { ...KEYS, history: { ...HISTORY, fromField: fromField as string } };
        const error = await refused(
          () => trial.load("timeless", FIELDS, [], options),
          words as RegExp,
        );
        assert.ok(error instanceof LoaderError);
      }
      const day: Field = { ...TIME, dtype: "date" };
      await refused(
        () =>
          trial.load("timeless", [...FIELDS, day], [], { ...BY_TIME, deletes: CLOSING.deletes }),
        /load.deletes closes versions at the time of the load, and the field is a date/,
      );
    },
  },
  "versions by date": {
    title: "a date is the time of a version",
    when: versions,
    async run(trial) {
      const fields = [...FIELDS, { ...TIME, dtype: "date" } as const];
      const day = (day: number, v: string) => ({
        ...row(1, v),
        at: new Temporal.PlainDate(2026, 3, day),
      });
      for (let time = 0; time < 2; time++) {
        await trial.load("days", fields, [day(2, "two"), day(1, "one")], BY_TIME);
        await trial.load("days", fields, [day(3, "three")], BY_TIME);
        assert.deepEqual(await readVersions(trial, "days"), ["1x: one | two | three"]);
      }
    },
  },
  "columns of versions": {
    title: "a table without the columns of versions is refused, and so are fields of their names",
    when: versions,
    async run(trial) {
      await trial.load("plain", FIELDS, [row(1, "one")]);
      const before = await trial.rows("plain");
      for (const schema of ["strict", "evolve"] as const) {
        const error = await refused(
          () => trial.load("plain", FIELDS, [], { ...KEYS, schema }),
          /Cannot keep history in .* no "valid_from", "valid to", "is_current"/,
        );
        assert.ok(error instanceof SchemaError);
        const { problems } = await trial.plan("plain", FIELDS, { ...KEYS, schema });
        assert.ok(problems.includes(error.message));
      }
      assert.deepEqual(await trial.rows("plain"), before);
      await refused(
        () => trial.load("new", [...FIELDS, { ...TIME, name: "valid_from" }], [], KEYS),
        /column "valid_from": the stream has a field of that name, set load.history.valid_from/,
      );
    },
  },
  "unique index of versions": {
    title: "a table whose unique index allows one version of a record is refused by plan and load",
    when: versions,
    async run(trial) {
      const fields: Field[] = [
        ...FIELDS,
        { name: HISTORY.validFrom, dtype: "timestamp_tz", nullable: false },
        { name: HISTORY.validTo, dtype: "timestamp_tz", nullable: true },
        { name: HISTORY.isCurrent, dtype: "bool", nullable: false },
      ];
      await trial.load("unique_key", fields, [], { mode: "upsert", upsertKeys: ["a", "b"] });
      const words = /unique index of "a", "b" allows one version of a record/;
      await refused(() => trial.load("unique_key", FIELDS, [row(1, "one")], KEYS), words);
      assert.match((await trial.plan("unique_key", FIELDS, KEYS)).problems.join(), words);
    },
  },
  "versions evolve": {
    title: "a new field is a change of each record that has a value in it",
    when: versions,
    async run(trial) {
      await trial.load("grown", FIELDS, [row(1, "one"), row(2, "two")], KEYS);
      const fields: Field[] = [...FIELDS, { name: "w", dtype: "string", nullable: true }];
      const records = [{ ...row(1, "one"), w: "more" }, { ...row(2, "two"), w: null }];
      await refused(() => trial.load("grown", fields, records, KEYS), /"w"/);
      await trial.load("grown", fields, records, { ...KEYS, schema: "evolve" });
      assert.deepEqual(await readVersions(trial, "grown"), ["1x: one | one", "2x: two"]);
    },
  },
  "watermark of versions": {
    title: "the highest watermark is that of all versions, also of closed ones",
    when: versions,
    async run(trial) {
      const deletes = { maxPercent: 100 };
      const loader = await trial.loader();
      const max = async () =>
        formatValue((await loader.getMaxWatermark(trial.target("marked"), "at"))!);
      await trial.load("marked", TIMED, [timed(1, 1, "one"), timed(2, 4, "two")], BY_TIME);
      assert.equal(await max(), "2026-03-01T04:00:00");
      await trial.load("marked", TIMED, [timed(1, 3, "three")], { ...BY_TIME, deletes });
      assert.deepEqual(await readVersions(trial, "marked"), ["1x: one | three", "2x: two ~"]);
      assert.equal(await max(), "2026-03-01T04:00:00");
    },
  },
  "plan of versions": {
    title: "a plan of versions has the statements that change the target",
    when: versions,
    async run(trial) {
      for (const time of ["new", "existing"]) {
        const { problems, statements } = await trial.plan("planned", TIMED, BY_TIME);
        assert.deepEqual(problems, [], time);
        const all = statements.join("\n");
        assert.match(all, /INSERT INTO .*planned/);
        assert.match(all, /UPDATE .*planned/);
        if (time === "new") await trial.load("planned", TIMED, [timed(1, 1, "one")], BY_TIME);
      }
    },
  },
} satisfies Record<string, Check>;
