import config from "./deno.json" with { type: "json" };
import { main, processIO } from "./src/cli/mod.ts";

Deno.exit(await main(Deno.args, processIO(config.version)));
