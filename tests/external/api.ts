/** An API that gives its records page by page, and modules, on loopback. */
import { type ModuleServer, serveModules } from "../sandbox/server.ts";

export const ROWS = 25;
const PAGE = 10;

export const THINGS = Array.from({ length: ROWS }, (_, i) => ({
  id: i + 1,
  name: `thing ${i + 1}`,
  price: i / 4,
  made: `2024-01-02T03:04:${String(i).padStart(2, "0")}Z`,
  tags: [i],
}));

/** The worked example of `pipelines/providers/README.md`. */
export const EXAMPLE = await Deno.readTextFile(
  new URL("../../pipelines/providers/pages.ts", import.meta.url),
);

/** Serves the records below `/things`, and these modules. */
export function serveThings(modules: Readonly<Record<string, string>> = {}): ModuleServer {
  const pages = Math.ceil(ROWS / PAGE);
  const routes = Object.fromEntries(Array.from({ length: pages }, (_, i) => {
    const next = i + 1 === pages ? null : `/things?page=${i + 2}`;
    const items = THINGS.slice(i * PAGE, (i + 1) * PAGE);
    const path = i === 0 ? "/things" : `/things?page=${i + 1}`;
    return [path, { body: JSON.stringify({ items, total: ROWS, next }), type: "application/json" }];
  }));
  return serveModules({ "/": "", ...routes, ...modules });
}

/** A pipeline of the things into SQLite. */
export function thingsPipeline(
  provider: string,
  host: string,
  stream: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    version: 1,
    name: "things",
    source: { provider, base_url: `http://${host}`, permissions: { net: [host] } },
    target: { provider: "sqlite", path: "out.db" },
    streams: [{ id: "things", source: "/things", load: { mode: "replace" }, ...stream }],
  };
}
