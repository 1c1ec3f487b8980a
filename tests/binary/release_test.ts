/** A release from the beginning to what its user does with it. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../../deno.json" with { type: "json" };
import { binaryTest, outcomeOf } from "../support/binary.ts";
import { withFolder } from "../support/run.ts";
import { ignoreIf, notLinux } from "../support/ignore.ts";

const SCRIPT = fileURLToPath(new URL("../../scripts/release.ts", import.meta.url));
const HERE = Deno.build.target;
/** Never in a cache of these tests, and there is no way to its host. */
const ELSEWHERE = HERE === "aarch64-apple-darwin" ? "x86_64-apple-darwin" : "aarch64-apple-darwin";

const { missing } = binaryTest();

Deno.test({
  ...ignoreIf(
    missing ?? notLinux,
    "the binary of a release is what its checksums say, and another that fails is told",
  ),
  fn: () =>
    withFolder(async (folder) => {
      const env = { ...Deno.env.toObject(), HTTPS_PROXY: "http://127.0.0.1:1", NO_COLOR: "1" };
      const command = [Deno.execPath(), "run", "-A", SCRIPT, "--output", folder];
      const targets = ["--target", ELSEWHERE, "--target", HERE];
      const { code, err } = await outcomeOf([...command, ...targets], { env });
      assert.equal(code, 1, err);
      assert.match(err, new RegExp(`^error: Cannot build for "${ELSEWHERE}": .+\\n$`));

      const name = `dxt-${config.version}-${HERE}`;
      const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
      const parts = `dxt-${config.version}.cdx.json`;
      assert.deepEqual(names, ["SHA256SUMS", `${name}.tar.gz`, parts]);
      const check = await outcomeOf(["/usr/bin/sha256sum", "--check", "SHA256SUMS"], {
        cwd: folder,
      });
      assert.equal(check.out, `${name}.tar.gz: OK\n${parts}: OK\n`, check.err);
      assert.equal(JSON.parse(await Deno.readTextFile(join(folder, parts))).bomFormat, "CycloneDX");

      assert.equal(
        (await outcomeOf(["/bin/tar", "xf", `${name}.tar.gz`], { cwd: folder })).code,
        0,
      );
      const licences = await Deno.readTextFile(join(folder, name, "LICENSES"));
      for (const part of ["zod 4", "apache-arrow", "Licence: Unlicense", "MIT"]) {
        assert.ok(licences.includes(part), part);
      }
      const version = await outcomeOf([join(folder, name, "dxt"), "--version"], { cwd: "/" });
      assert.deepEqual(version, { code: 0, out: `${config.version}\n`, err: "" });
    }),
});
