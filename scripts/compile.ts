/**
 * Makes the dxt binary: `deno task compile [--target TRIPLE] [--output PATH]`, more arguments go
 * to `deno compile`. Packages that a provider imports lazily are traced and embedded.
 */
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({
  options: {
    target: { type: "string" },
    output: { type: "string", default: "dist/dxt" },
  },
  allowPositionals: true,
});

const { code } = await new Deno.Command(Deno.execPath(), {
  args: [
    "compile",
    "--no-prompt",
    "--exclude-unused-npm",
    "--frozen",
    "--allow-all",
    // Several threads share the memory: see src/sandbox/garbage.ts.
    "--v8-flags=--expose-gc,--max-semi-space-size=2",
    // A thread's module is no import.
    "--include",
    "src/runner/worker.ts",
    ...(values.target === undefined ? [] : ["--target", values.target]),
    "--output",
    values.output,
    ...positionals,
    "main.ts",
  ],
}).spawn().status;
Deno.exit(code);
