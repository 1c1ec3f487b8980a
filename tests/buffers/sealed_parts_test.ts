/** The parts that a killed writer has completed, and when the next one takes them up. */
import assert from "node:assert/strict";
import { basename, join } from "node:path";
import { buildBatches } from "../../src/arrow/mod.ts";
import { listStages } from "../../src/buffers/found_stages.ts";
import { openBuffer, stagePart } from "../../src/buffers/mod.ts";
import type { OpenStage, StageOrigin, WrittenPart } from "../../src/core/contracts/buffer.ts";
import { withFolder } from "../support/run.ts";
import { recordsOf } from "../support/staged.ts";
import { FIELDS } from "./commit.ts";

const ORIGIN: StageOrigin = { moment: "m1", spec: "s1" };
const DETAILS = { pipeline: "p", stream: "s", run_id: "r", source: null };
const PARTS = 3;

/** Writes the part of this number, of ten records. */
async function writePart({ folder }: OpenStage, number: number): Promise<WrittenPart> {
  const records = Array.from({ length: 10 }, (_, i) => ({ n: number * 10 + i }));
  const batches = (async function* () {
    yield* buildBatches(FIELDS, records, { rows: 5, bytes: 1e9 });
    return { rows: 10, evidence: `part ${number}` };
  })();
  return await stagePart({ format: "csv" }, { folder, part: number, fields: FIELDS }, batches);
}

/** Leaves what a writer leaves that is killed after it has sealed some parts, and written one more. */
async function leaveKilled(directory: string, sealed: number): Promise<string> {
  const buffer = await openBuffer({ format: "csv" }, `${directory}-at-work`);
  const work = buffer.write(
    FIELDS,
    async (stage) => {
      for (let number = 0; number <= sealed; number++) {
        const part = await writePart(stage, number);
        if (number < sealed) stage.seal({ number, ...part, stats: { bytes: number } });
      }
      const left = join(directory, basename(stage.folder));
      await Deno.mkdir(left, { recursive: true });
      for await (const { name } of Deno.readDir(stage.folder)) {
        await Deno.copyFile(join(stage.folder, name), join(left, name));
      }
      throw new Error(left);
    },
    () => DETAILS,
    ORIGIN,
  );
  return await work.then(() => assert.fail(), (error: Error) => error.message);
}

/** Writes the stage after a kill; returns which parts were taken up, and why none was. */
async function goOn(directory: string, origin: StageOrigin = ORIGIN) {
  const buffer = await openBuffer({ format: "csv" }, directory);
  let taken: { sealed: number[]; restart: string | undefined } | undefined;
  const staged = await buffer.write(
    FIELDS,
    async (stage) => {
      taken = { sealed: [...stage.sealed.keys()], restart: stage.restart };
      const parts: WrittenPart[] = [];
      for (let number = 0; number < PARTS; number++) {
        parts.push(stage.sealed.get(number) ?? await writePart(stage, number));
      }
      return parts;
    },
    () => DETAILS,
    origin,
  );
  const numbers = (await recordsOf(staged)).map(({ n }) => Number(n));
  assert.deepEqual(numbers, Array.from({ length: PARTS * 10 }, (_, i) => i));
  const [files, ...more] = (await Array.fromAsync(Deno.readDir(directory)))
    .filter(({ name }) => name.startsWith("files-"));
  assert.deepEqual(more, []);
  const names = await Array.fromAsync(
    Deno.readDir(join(directory, files!.name)),
    ({ name }) => name,
  );
  assert.deepEqual(names.sort(), staged.files.map(({ name }) => name).sort());
  await buffer.open();
  return taken;
}

async function withKilled(
  sealed: number,
  work: (directory: string, left: string) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const directory = join(folder, "stage");
    await work(directory, await leaveKilled(directory, sealed));
  });
}

Deno.test("parts that a killed writer has completed are taken up, and the others are written again", () =>
  withKilled(2, async (directory) => {
    assert.deepEqual(
      (await listStages(join(directory, ".."))).map(({ state, count }) => [state, count]),
      [["incomplete", 20]],
    );
    assert.deepEqual(await goOn(directory), { sealed: [0, 1], restart: undefined });
  }));

Deno.test("without a complete part the writer begins, and has nothing to say", () =>
  withKilled(0, async (directory) => {
    assert.deepEqual(await goOn(directory), { sealed: [], restart: undefined });
  }));

const OTHERS: readonly (readonly [string, StageOrigin, string])[] = [
  ["another moment", { moment: "m2", spec: "s1" }, "the source has changed since"],
  [
    "another specification",
    { moment: "m1", spec: "s2" },
    "the stream is read, divided or staged otherwise now",
  ],
  ["no moment", { unrepeatable: "a snapshot ended" }, "a snapshot ended"],
];

for (const [name, origin, restart] of OTHERS) {
  Deno.test(`parts are not taken up for ${name}, and the writer knows why`, () =>
    withKilled(2, async (directory) => {
      assert.deepEqual(await goOn(directory, origin), { sealed: [], restart });
    }));
}

/** What may have become of the folder of a killed writer. */
const DAMAGES: Readonly<Record<string, (left: string) => Promise<void>>> = {
  "a line that the kill cut off": async (left) => {
    const path = join(left, "sealed.jsonl");
    await Deno.writeTextFile(path, '{"number":2,"files":[]', { append: true });
  },
  "a line that the next run has continued": async (left) => {
    const path = join(left, "sealed.jsonl");
    const [origin, first, ...more] = (await Deno.readTextFile(path)).split("\n");
    const cut = `{"number":2,"fil${first}`;
    await Deno.writeTextFile(path, [origin, first, cut, ...more].join("\n"));
  },
  "a part whose file was changed": async (left) => {
    await Deno.writeTextFile(join(left, "part-001-00000.csv"), "n\n1\n");
  },
  "a part whose file is missing": (left) => Deno.remove(join(left, "part-001-00000.csv")),
  "a log of another version": async (left) => {
    const path = join(left, "sealed.jsonl");
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(path, text.replace('"version":1', '"version":99'));
  },
  "a log that is none": (left) => Deno.writeTextFile(join(left, "sealed.jsonl"), "no JSON\n"),
};
const TAKEN = [[0, 1], [0, 1], [0], [0], [], []];

for (const [i, [name, damage]] of Object.entries(DAMAGES).entries()) {
  Deno.test(`only whole parts are taken up: ${name}`, () =>
    withKilled(2, async (directory, left) => {
      await damage(left);
      assert.deepEqual((await goOn(directory))?.sealed, TAKEN[i]);
    }));
}

Deno.test("a part may be sealed again after its file was damaged", () =>
  withKilled(2, async (directory, left) => {
    await Deno.remove(join(left, "part-000-00000.csv"));
    const buffer = await openBuffer({ format: "csv" }, directory);
    const killed = `${directory}-killed`;
    await buffer.write(
      FIELDS,
      async (stage) => {
        assert.deepEqual([...stage.sealed.keys()], [1]);
        stage.seal({ number: 0, ...await writePart(stage, 0), stats: {} });
        const copy = join(killed, basename(stage.folder));
        await Deno.mkdir(copy, { recursive: true });
        for await (const { name } of Deno.readDir(stage.folder)) {
          await Deno.copyFile(join(stage.folder, name), join(copy, name));
        }
        return [await writePart(stage, 2)];
      },
      () => DETAILS,
      ORIGIN,
    );
    assert.deepEqual((await goOn(killed))?.sealed.sort(), [0, 1]);
  }));

Deno.test("a committed stage is no reason to begin, and is replaced", () =>
  withFolder(async (folder) => {
    const directory = join(folder, "stage");
    await goOn(directory);
    assert.deepEqual(await goOn(directory, { unrepeatable: "x" }), {
      sealed: [],
      restart: undefined,
    });
  }));
