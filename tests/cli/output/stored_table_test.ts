/** The tables of `dxt status` and `dxt clean` on terminals. */
import assert from "node:assert/strict";
import { Printer } from "../../../src/cli/output/printer.ts";
import { printCleaned, printStatus } from "../../../src/cli/output/stored_table.ts";
import { displayWidth } from "../../../src/cli/output/terminal_text.ts";
import type { StoredEntry } from "../../../src/models/stored.ts";
import { fakeIO } from "../fakes.ts";

const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();

const ENTRIES: readonly (StoredEntry & { readonly command?: string })[] = [
  {
    ...{ kind: "stage", state: "in use", place: "/srv/.dxt/stage/shop/orders" },
    ...{ pipeline: "shop", stream: "orders", bytes: 1_234_567_890, changed: ago(5) },
    held_by: { host: "etl-1", pid: 4711, run_id: "0f3a9c2e-1", since: "2026-01-31T12:00:00Z" },
  },
  {
    ...{ kind: "stage", state: "in doubt", place: "/srv/.dxt/stage/shop/items" },
    ...{ pipeline: "shop", stream: "items", rows: 12_345_678, bytes: 9100, changed: ago(7300) },
    outcome: "unknown",
    command: "dxt load shop.yaml --select items",
  },
  {
    ...{ kind: "table", state: "abandoned", place: "public.dxt_load_6cb11bce157a9779" },
    ...{ bytes: 8192, changed: ago(4 * 86_400) },
    command: "dxt clean shop.yaml --yes",
  },
];

function print(columns: number, work: (printer: Printer) => void): string {
  const io = fakeIO({ isTerminal: true, columns, env: { NO_COLOR: "1" } });
  work(new Printer(io, { quiet: false, verbose: false }));
  return io.out;
}

for (const columns of [60, 80, 200]) {
  Deno.test(`what runs keep or left fits ${columns} columns, with sizes, ages and states`, () => {
    const status = print(columns, (printer) => printStatus(ENTRIES, printer));
    const cleaned = print(columns, (printer) =>
      printCleaned([
        { ...ENTRIES[0]!, action: "kept", reason: "a run uses it" },
        { ...ENTRIES[2]!, action: "would be removed" },
      ], printer));
    for (const line of [...status.split("\n"), ...cleaned.split("\n")]) {
      assert.ok(displayWidth(line) <= columns, line);
    }
    const text = status.replace(/\s+/g, " ");
    for (const part of ["1.1 GiB", "5 s", "2 h", "4 d", "in use", "in doubt", "shop/items"]) {
      assert.ok(text.includes(part), `${part}: ${status}`);
    }
    assert.match(cleaned.replace(/\s+/g, " "), /1.1 GiB 5 s kept: a run uses it/);
  });
}

Deno.test("the commands that go on are reported whole, with the runs that hold locks", () => {
  const text = print(200, (printer) => printStatus(ENTRIES, printer));
  assert.match(text, /process 4711 on "etl-1" \(run 0f3a9c2e, since 2026-01-31T12:00:00Z\)/);
  assert.match(text, /12,345,678/);
  assert.match(text, /the target cannot tell: dxt load shop.yaml --select items/);
  assert.match(text, /public.dxt_load_6cb11bce157a9779 .* dxt clean shop.yaml --yes/);
});
