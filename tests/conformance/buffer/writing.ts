/** A write leaves everything or nothing. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { BufferError } from "../../../src/core/errors.ts";
import { type Check, type End, ofFiles, sourceFile, type Trial } from "./trial.ts";

type ErrorType = new (...args: never[]) => Error;

const BAD_ENDS: readonly (readonly [End, ErrorType])[] = [
  ["no proof", BufferError],
  [{ rows: 24, evidence: "SENT 24" }, BufferError],
  [{ rows: 26, evidence: "SENT 26" }, BufferError],
  [new RangeError("the server is gone"), RangeError],
];

/** The names that a folder with one stage, or with none, has. */
async function hasOneStage(trial: Trial): Promise<void> {
  if (!trial.test.persistent) return;
  const names = (await trial.names()).map((name) => name.replace(/^files-.*/, "files"));
  assert.deepEqual(names.sort(), ["files", "manifest.json"]);
}

export const writingChecks = {
  "no proof": {
    title: "without a proof of as many as came nothing is committed",
    async run(trial) {
      const buffer = await trial.open();
      for (const [end, type] of BAD_ENDS) {
        await assert.rejects(trial.write(buffer, 25, { end }), type);
        assert.equal(await buffer.open(), undefined);
        if (trial.test.persistent) assert.deepEqual(await trial.names(), []);
      }
    },
  },
  "old stage": {
    title: "a write that fails leaves what was committed before",
    async run(trial) {
      const buffer = await trial.open();
      await trial.write(buffer, 5);
      for (const [end, type] of BAD_ENDS) {
        await assert.rejects(trial.write(buffer, 25, { end, from: 100 }), type);
        await trial.holds(buffer, 5);
        await hasOneStage(trial);
      }
    },
  },
  "second write": {
    title: "a second write replaces the first, with its files and what killed writers left",
    async run(trial) {
      const buffer = await trial.open();
      await trial.write(buffer, 25);
      if (trial.test.persistent) {
        await Deno.writeTextFile(`${await trial.part()}.bak`, "in the first one's folder");
        const killed = `files-${crypto.randomUUID()}`;
        await Deno.mkdir(join(trial.directory, killed));
        await Deno.writeTextFile(join(trial.directory, `.manifest.json.${killed}`), "{");
      }
      await trial.holds(buffer, 25);
      await trial.write(buffer, 3, { from: 100 });
      await trial.holds(buffer, 3, 100);
      await hasOneStage(trial);
    },
  },
  "clear": {
    title: "clearing leaves nothing, once or twice, and another write is as the first",
    async run(trial) {
      const buffer = await trial.open();
      await buffer.clear();
      await trial.write(buffer, 5);
      for (const _ of [1, 2]) {
        await buffer.clear();
        assert.equal(await buffer.open(), undefined);
        await assert.rejects(Deno.stat(trial.directory), Deno.errors.NotFound);
      }
      await trial.write(buffer, 7);
      await trial.holds(buffer, 7);
    },
  },
  "names": {
    title: "names of the source are kept, and lead nowhere",
    when: ofFiles,
    async run(trial) {
      const names = ["../up", "/etc/passwd", "a/b/c.csv", " ", "new\nline", "ż 🦕", "part-00000"];
      const buffer = await trial.open();
      await trial.writeFiles(buffer, [...names, ...names].map((name) => sourceFile(name)));
      const staged = (await buffer.open())!;
      assert.deepEqual(
        await trial.content(staged),
        [...names, ...names].map((name) => `${name}=content of ${name}`),
      );
      const parts = (await trial.paths(join(trial.directory, ".."))).filter((path) =>
        !path.endsWith("manifest.json") && Deno.statSync(path).isFile
      );
      assert.equal(parts.length, staged.files.length);
      assert.ok(parts.every((path) => /\/stage\/files-[\w-]+\/part-\d+$/.test(path)), `${parts}`);
    },
  },
  "size": {
    title: "a file that is not as large as its source says, or breaks off, is not staged",
    when: ofFiles,
    async run(trial) {
      const buffer = await trial.open();
      const lost = new RangeError("the server is gone");
      const broken = new ReadableStream<Uint8Array>({
        pull(controller) {
          controller.enqueue(new Uint8Array(4));
          controller.error(lost);
        },
      });
      const whole = sourceFile("whole");
      for (const bad of [{ size: 999 }, { size: 1 }, { open: () => Promise.resolve(broken) }]) {
        const files = [whole, { ...sourceFile("bad"), ...bad }, whole];
        const type: ErrorType = "open" in bad ? RangeError : BufferError;
        await assert.rejects(trial.writeFiles(buffer, files), type);
        assert.equal(await buffer.open(), undefined);
        assert.deepEqual(await trial.names(), []);
      }
    },
  },
} satisfies Record<string, Check>;
