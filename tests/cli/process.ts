/** A whole process whose run lasts until it is aborted, and then takes a moment to clean up. */
import { main, processIO } from "../../src/cli/mod.ts";
import { fakeEngine, runResult, streamResult } from "./fakes.ts";

const engine = fakeEngine({
  async run({ signal, onEvent }) {
    const forever = setInterval(() => {}, 1000);
    onEvent({ type: "stream_started", stream: "orders", at: "" });
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await new Promise((resolve) => setTimeout(resolve, 20));
    clearInterval(forever);
    return runResult([streamResult("orders", { status: "cancelled" })], "cancelled");
  },
});

Deno.exit(await main(["run", "shop.yaml"], processIO("0.0.0"), engine));
