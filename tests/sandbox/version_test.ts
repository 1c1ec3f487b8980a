import assert from "node:assert/strict";
import { findHighestVersion } from "../../src/sandbox/modules/fetch/version.ts";

const VERSIONS = [
  ..."0.0.1 0.0.2 0.1.0 0.1.5 0.2.0 1.0.0 1.0.1 1.2.3 1.10.0 2.0.0-alpha 2.0.0-alpha.2".split(" "),
  ..."2.0.0-alpha.10 2.0.0-rc.1 2.0.0 2.1.0-beta 3.0.0+build".split(" "),
];

/** Ranges and the highest version in them, as https://semver.org and npm's ranges have it. */
const EXPECTED: Readonly<Record<string, string | undefined>> = {
  "*": "3.0.0+build",
  "1": "1.10.0",
  "1.0": "1.0.1",
  "1.0.0": "1.0.0",
  "3.0.0": "3.0.0+build",
  "^1.0.1": "1.10.0",
  "~1.0.0": "1.0.1",
  "~1": "1.10.0",
  "^0.1.0": "0.1.5",
  "^0.0.1": "0.0.1",
  "^0.0": "0.0.2",
  "^0": "0.2.0",
  "~0.1": "0.1.5",
  "~1.2.4": undefined,
  "2.0.0-alpha": "2.0.0-alpha",
  "^2": "2.0.0",
  "^2.0.1": undefined,
  "^2.0.0-alpha": undefined,
  "": undefined,
  "9": undefined,
  ">=1.2 <2": undefined,
  "no range": undefined,
  "latest": undefined,
};

for (const [range, expected] of Object.entries(EXPECTED)) {
  Deno.test(`the highest version in "${range}" is ${expected ?? "none"}`, () => {
    assert.equal(findHighestVersion(VERSIONS, range), expected);
    assert.equal(findHighestVersion([...VERSIONS].reverse(), range), expected);
  });
}
