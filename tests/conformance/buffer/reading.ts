/** What was written comes back. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { BufferError } from "../../../src/core/errors.ts";
import { type DXTRecord, JSONText } from "../../../src/core/values/values.ts";
import { collect } from "../../support/bytes.ts";
import { recordsOf } from "../../support/staged.ts";
import { comparableRecords, extremes, FIELDS_OF_EVERY_TYPE } from "../values.ts";
import { type Check, DETAILS, ofRecords, sourceFile, type Trial } from "./trial.ts";

const isJSONNull = (value: unknown) => value instanceof JSONText && String(value) === "null";

async function roundTrip(trial: Trial, records: readonly DXTRecord[]): Promise<void> {
  const buffer = await trial.open();
  await trial.writeRecords(buffer, FIELDS_OF_EVERY_TYPE, records);
  const staged = (await buffer.open())!;
  assert.deepEqual(staged.fields, FIELDS_OF_EVERY_TYPE);
  const read = await recordsOf(staged);
  assert.deepEqual(comparableRecords(read), comparableRecords(records));
}

export const readingChecks = {
  "round trip": {
    title: "what was written is read, twice, and opened again",
    async run(trial) {
      const staged = await trial.write(await trial.open(), 25);
      const again = (await (await trial.open()).open())!;
      for (const data of [staged, staged, again, again]) {
        assert.deepEqual(await trial.content(data), trial.expected(25));
      }
    },
  },
  "facts": {
    title: "it tells its kind, fields, counts, sizes, digests, source, watermark and evidence",
    async run(trial) {
      const written = await trial.write(await trial.open(), 25);
      for (const staged of [written, (await (await trial.open()).open())!]) {
        assert.equal(staged.kind, trial.test.kind);
        assert.equal(staged.count, 25);
        assert.equal(staged.evidence, "SENT 25");
        assert.deepEqual(staged.details, DETAILS);
        assert.deepEqual(staged.fields, written.fields);
        assert.ok(staged.files.length > 0);
        for (const { name, size, sha256 } of staged.files) {
          const bytes = await collect(await staged.openFile(name));
          assert.equal(bytes.length, size);
          assert.equal(createHash("sha256").update(bytes).digest("hex"), sha256);
        }
        const rows = staged.files.reduce((sum, file) => sum + file.rows, 0);
        if (trial.test.kind === "files") assert.equal(staged.files.length, 25);
        else assert.equal(rows, 25);
        await assert.rejects(staged.openFile("part-99999"), BufferError);
      }
    },
  },
  "every type": {
    title: "every DXTType survives, extremes and NULLs too",
    when: ofRecords,
    async run(trial) {
      const records = extremes().map((record) =>
        isJSONNull(record["f_json"]) ? { ...record, f_json: new JSONText("0") } : record
      );
      await roundTrip(trial, records);
    },
  },
  "JSON null": {
    title: "null in a JSON field is not NULL",
    when: ofRecords,
    async run(trial) {
      const records = extremes();
      assert.ok(records.some(({ f_json }) => isJSONNull(f_json)));
      await roundTrip(trial, records);
    },
  },
  "nothing": {
    title: "a stage of nothing is a stage; where none was written there is none",
    async run(trial) {
      const buffer = await trial.open();
      assert.equal(await buffer.open(), undefined);
      const { fields } = await trial.write(buffer, 0);
      assert.equal(fields.length, trial.test.kind === "records" ? 1 : 0);
      const staged = (await buffer.open())!;
      assert.equal(staged.count, 0);
      assert.deepEqual(staged.fields, fields);
      assert.deepEqual(await trial.content(staged), []);
    },
  },
  "early stop": {
    title: "a reader that stops early leaves nothing open",
    async run(trial) {
      const buffer = await trial.open();
      if (trial.test.kind === "files") {
        const staged = await trial.writeFiles(buffer, [sourceFile("large", "x".repeat(1 << 20))]);
        const bytes = await staged.openFile(staged.files[0]!.name);
        for await (const chunk of bytes) {
          assert.ok(chunk.length < 1 << 20);
          break;
        }
        return;
      }
      // More than a reader reads at once, or it would be at the end when it stops.
      const staged = await trial.write(buffer, 50_000);
      for await (const batch of staged.readBatches()) {
        assert.ok(batch.numRows < 50_000);
        break;
      }
    },
  },
  "side by side": {
    title: "stages that are written at the same time do not know of each other",
    async run(trial) {
      const trials = [0, 1, 2, 3].map((n) => trial.beside(`stage-${n}`));
      const buffers = await Promise.all(trials.map((each) => each.open()));
      await Promise.all(trials.map((each, n) => each.write(buffers[n]!, 25, { from: 100 * n })));
      await buffers[0]!.clear();
      assert.equal(await buffers[0]!.open(), undefined);
      for (const n of [1, 2, 3]) await trials[n]!.holds(buffers[n]!, 25, 100 * n);
    },
  },
} satisfies Record<string, Check>;
