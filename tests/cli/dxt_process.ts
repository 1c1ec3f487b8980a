/**
 * A whole process whose run lasts until it is aborted, and then takes a moment to clean up, with
 * `stubborn` as argument a minute; with `reject` or `throw` an error escapes from the run.
 */
import { main, processIO } from "../../src/cli/main.ts";
import { fakeEngine, runResult, streamResult } from "./fakes.ts";

const engine = fakeEngine({
  secrets: ["hunter22"],
  async run({ signal, onEvent }) {
    const forever = setInterval(() => {}, 1000);
    if (Deno.args[0] === "reject") Promise.reject(new TypeError("lost hunter22"));
    if (Deno.args[0] === "throw") {
      setTimeout(() => {
        throw new TypeError("lost hunter22");
      });
    }
    onEvent({ type: "stream_started", stream: "orders" });
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    await new Promise((resolve) => setTimeout(resolve, Deno.args[0] === "stubborn" ? 60_000 : 20));
    clearInterval(forever);
    return runResult([streamResult("orders", { status: "cancelled" })], "cancelled");
  },
});

Deno.exit(await main(["run", "shop.yaml", ...Deno.args.slice(1)], processIO("0.0.0"), engine));
