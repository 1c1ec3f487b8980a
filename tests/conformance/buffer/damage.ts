/** A stage on disk that is not what was committed is not opened. */
import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { BufferError } from "../../../src/core/errors.ts";
import { type Check, persistent } from "./trial.ts";

async function flip(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  bytes[bytes.length >> 1]! ^= 1;
  await Deno.writeFile(path, bytes);
}

async function cut(path: string): Promise<void> {
  const bytes = await Deno.readFile(path);
  await Deno.writeFile(path, bytes.subarray(0, -1));
}

const grow = (path: string) => Deno.writeTextFile(path, "\n", { append: true });
const removeFile = (path: string) => Deno.remove(path);
const removeFolder = (path: string) => Deno.remove(dirname(path), { recursive: true });

export const damageChecks = {
  "changed": {
    title: "a file that is changed, cut, longer or missing is not opened; the next write heals it",
    when: persistent,
    async run(trial) {
      const buffer = await trial.open();
      for (const harm of [flip, cut, grow, removeFile, removeFolder]) {
        await trial.write(buffer, 25);
        await trial.holds(buffer, 25);
        await harm(await trial.part());
        await assert.rejects(buffer.open(), BufferError, harm.name);
      }
      await trial.write(buffer, 5);
      await trial.holds(buffer, 5);
    },
  },
  "manifest": {
    title: "a manifest that is cut, edited or garbage is not believed",
    when: persistent,
    async run(trial) {
      const buffer = await trial.open();
      await trial.write(buffer, 25);
      const path = join(trial.directory, "manifest.json");
      const text = await Deno.readTextFile(path);
      const manifest = JSON.parse(text);
      const [file, ...files] = manifest.files;
      const edits: object[] = [
        { count: 24 },
        { version: 3 },
        { folder: "../elsewhere" },
        { folder: "files-elsewhere" },
        { files: [] },
        { format: "xml" },
        { compression: "lzma" },
        { kind: manifest.kind === "files" ? "records" : "files" },
        { fields: [{ name: "n", dtype: "int33", nullable: false }] },
        { files: [{ ...file, name: "../../x" }, ...files] },
        { files: [{ ...file, size: file.size + 1 }, ...files] },
        { files: [{ ...file, sha256: "0".repeat(64) }, ...files] },
        { files: [file, file, ...files] },
        { extra: true },
      ];
      const { sha256: _, ...unsealed } = manifest;
      const edited = edits.map((edit) => JSON.stringify({ ...unsealed, ...edit }));
      // Changes that the schema accepts and the digest of no file covers.
      edited.push(JSON.stringify({ ...manifest, evidence: "26 records" }));
      for (const wrong of ["", "{}", "null", "\0", text.slice(0, -20), ...edited]) {
        await Deno.writeTextFile(path, wrong);
        await assert.rejects(buffer.open(), BufferError, wrong);
      }
      await Deno.writeTextFile(path, text);
      await trial.holds(buffer, 25);
    },
  },
  "version": {
    title: "a stage of another version of dxt is refused, and says how to stage anew",
    when: persistent,
    async run(trial) {
      const buffer = await trial.open();
      await trial.write(buffer, 5);
      const path = join(trial.directory, "manifest.json");
      const manifest = JSON.parse(await Deno.readTextFile(path));
      await Deno.writeTextFile(path, JSON.stringify({ ...manifest, version: 1 }));
      await assert.rejects(buffer.open(), {
        message:
          `Cannot open stage "${path}": its manifest cannot be used, its version is 1, expected 2; dxt extract stages anew`,
      });
      await trial.write(buffer, 7);
      await trial.holds(buffer, 7);
    },
  },
  "private": {
    title: "only its user can read a stage",
    when: (test) => test.persistent && Deno.build.os !== "windows",
    async run(trial) {
      await trial.write(await trial.open(), 5);
      for (const path of await trial.paths()) {
        const { mode, isDirectory } = await Deno.stat(path);
        assert.equal(mode! & 0o777, isDirectory ? 0o700 : 0o600, path);
      }
    },
  },
} satisfies Record<string, Check>;
