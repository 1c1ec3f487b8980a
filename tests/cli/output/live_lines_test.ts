import assert from "node:assert/strict";
import { LiveLines } from "../../../src/cli/output/run/live_lines.ts";
import { Printer } from "../../../src/cli/output/printer.ts";
import { fakeIO } from "../fakes.ts";

Deno.test("what a narrower terminal has broken is cleared whole", () => {
  const size = { columns: 80, rows: 24 };
  let written = "";
  const lines = new LiveLines({
    isTerminal: true,
    get columns() {
      return size.columns;
    },
    get rows() {
      return size.rows;
    },
    write(text) {
      written += text;
    },
  });
  lines.draw([[{ text: "x".repeat(70) }], [{ text: "y" }]]);
  size.columns = 40;
  written = "";
  lines.clear();
  assert.equal(written, "\r\u001b[3A\u001b[J");
});

Deno.test("more streams than the terminal has lines are counted", () => {
  const io = fakeIO({ isTerminal: true });
  new LiveLines(io.stderr).draw(Array.from({ length: 30 }, (_, i) => [{ text: `stream ${i}` }]));
  const lines = io.err.trimEnd().split("\n");
  assert.equal(lines.length, 23);
  assert.equal(lines.at(-1), "… and 8 more");
});

Deno.test("nothing is drawn in a pipe, with --quiet, or on a dumb terminal", () => {
  const live = (io: ReturnType<typeof fakeIO>, quiet = false) =>
    new Printer(io, { quiet, verbose: false }).isLive;
  assert.equal(live(fakeIO({ isTerminal: true })), true);
  assert.equal(live(fakeIO()), false);
  assert.equal(live(fakeIO({ isTerminal: true }), true), false);
  assert.equal(live(fakeIO({ isTerminal: true, env: { TERM: "dumb" } })), false);
});
