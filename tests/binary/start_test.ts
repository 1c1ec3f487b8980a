// deno-lint-ignore-file no-console
/** How long the binary takes to start: see start.ts. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { binaryTest } from "../support/binary.ts";
import { ignoreIf, notLinux } from "../support/ignore.ts";

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const { path: dxt, missing } = binaryTest();

Deno.test({
  ...ignoreIf(
    missing ?? notLinux,
    "the binary starts about as fast as the runtime alone, and lists without its parsers",
  ),
  async fn() {
    const { success, stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", path("start.ts"), dxt, path("../../pipelines/quickstart.yaml")],
      stderr: "inherit",
    }).output();
    assert.ok(success);
    const ratios: Record<string, number> = JSON.parse(new TextDecoder().decode(stdout));
    const told = Object.entries(ratios).map(([name, ratio]) => `${name} ${ratio.toFixed(2)}`);
    console.log(`CPU to start ÷ deno eval 0: ${told.join(", ")}`);
    // Measured 0.8, 0.8 and 2.3; with the parser of options, the schemas or Node's loader 4 and more.
    assert.ok(ratios["dxt --version"]! < 1.3, told.join());
    assert.ok(ratios["dxt --help"]! < 1.3, told.join());
    assert.ok(ratios["dxt list"]! < 3.5, told.join());
  },
});
