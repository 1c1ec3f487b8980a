import config from "./deno.json" with { type: "json" };
import { main, processIO } from "./src/cli/main.ts";

Deno.exit(await main(Deno.args, processIO(config.version)));
