/** Exit codes of runs whose streams ended differently. */
import assert from "node:assert/strict";
import { errorExitCode, runExitCode } from "../../../src/cli/terminal/exit_codes.ts";
import {
  ConcurrentRunError,
  ConfigurationError,
  LoaderError,
  StaleRangeError,
  UnknownOutcomeError,
  VerificationError,
} from "../../../src/core/errors.ts";
import type { RunResult, StreamResult } from "../../../src/models/result.ts";
import { runResult, streamResult } from "../fakes.ts";

const failed = ({ name }: { name: string }) =>
  streamResult("s", { status: "failed", error: { type: name, message: "m" } });
const good = streamResult("s");
const skipped = streamResult("s", { status: "skipped" });
const stopped = streamResult("s", { status: "cancelled" });

const BUSY = failed(ConcurrentRunError);
const STALE = failed(StaleRangeError);
const DOUBT = failed(UnknownOutcomeError);
const WRONG = failed(VerificationError);
const BROKEN = failed(LoaderError);

const RUNS: readonly (readonly [RunResult["status"], readonly StreamResult[], number])[] = [
  ["succeeded", [good], 0],
  ["failed", [BROKEN], 1],
  ["partial", [good, BROKEN], 3],
  ["failed", [BUSY], 7],
  ["failed", [STALE], 7],
  ["partial", [good, BUSY, STALE], 7],
  ["failed", [BUSY, skipped], 7],
  ["partial", [good, BUSY, BROKEN], 3],
  ["failed", [BUSY, BROKEN], 1],
  ["failed", [DOUBT], 6],
  ["partial", [good, DOUBT], 6],
  ["failed", [DOUBT, BUSY, BROKEN], 6],
  ["cancelled", [DOUBT, stopped], 6],
  ["failed", [DOUBT, WRONG], 4],
  ["cancelled", [stopped, BUSY], 130],
];

for (const [status, streams, code] of RUNS) {
  const shown = streams.map((one) => one.error?.type ?? one.status).join(", ");
  Deno.test(`a run that is ${status} with ${shown} ends with ${code}`, () => {
    assert.equal(runExitCode(runResult([...streams], status)), code);
  });
}

Deno.test("what is thrown has its exit code", () => {
  assert.equal(errorExitCode(new ConcurrentRunError("m")), 7);
  assert.equal(errorExitCode(new StaleRangeError("m")), 7);
  assert.equal(errorExitCode(new UnknownOutcomeError("m")), 6);
  assert.equal(errorExitCode(new ConfigurationError("m")), 2);
  assert.equal(errorExitCode(new LoaderError("m")), 1);
});
