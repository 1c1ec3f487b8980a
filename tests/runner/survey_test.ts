import assert from "node:assert/strict";
import { join } from "node:path";
import { cleanSurvey } from "../../src/runner/stored/clean.ts";
import { surveyFolder } from "../../src/runner/stored/survey.ts";
import { withFolder } from "../support/run.ts";

Deno.test("on a file system without locks a folder is shown, and kept", () =>
  withFolder(async (folder) => {
    const name = `pipes-${crypto.randomUUID()}`;
    const path = join(folder, ".dxt", name);
    await Deno.mkdir(path, { recursive: true });
    await Deno.writeTextFile(join(folder, ".dxt", `.${name}.lock`), "");
    const { tryLock } = Deno.FsFile.prototype;
    Deno.FsFile.prototype.tryLock = () => Promise.reject(new Error("No locks available"));
    try {
      await using survey = await surveyFolder(folder);
      assert.deepEqual(survey.problems, []);
      const rules = { staged: true, inDoubt: true };
      const [entry, ...more] = await cleanSurvey(survey, rules, true, new AbortController().signal);
      assert.deepEqual([entry!.place, entry!.action, more], [path, "kept", []]);
      assert.match(entry!.reason!, /unknown whether its run has ended, No locks available/);
    } finally {
      Deno.FsFile.prototype.tryLock = tryLock;
    }
    assert.ok((await Deno.stat(path)).isDirectory);
  }));
