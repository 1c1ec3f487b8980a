/** A run that lasts two seconds, in a real process: progress as a terminal shows it. */
import { main, processIO } from "../../src/cli/main.ts";
import { fakeEngine, runResult, streamResult } from "./fakes.ts";

const LONG = "商品マスター在庫管理テーブル".repeat(4);

const engine = fakeEngine({
  async run({ onEvent }) {
    for (const stream of ["orders", LONG]) onEvent({ type: "stream_started", stream });
    for (let i = 1; i <= 10; i++) {
      await new Promise((resolve) => setTimeout(resolve, 200));
      for (const stream of ["orders", LONG]) {
        onEvent({
          type: "progress",
          stream,
          phase: "extract",
          rows: i * 100_000,
          bytes: i * 2 ** 22,
        });
      }
      if (i === 5) onEvent({ type: "warning", stream: "orders", message: "in between" });
    }
    const results = ["orders", LONG].map((stream) => streamResult(stream));
    for (const result of results) {
      onEvent({ type: "stream_finished", stream: result.stream, result });
    }
    return runResult(results);
  },
});

Deno.exit(await main(["run", "shop.yaml"], processIO("0.0.0"), engine));
