/** Bounds of a module graph: far above real providers, and far below what would do harm. */
export const MODULE_BYTES = 4 * 1024 * 1024;
export const GRAPH_BYTES = 32 * 1024 * 1024;
export const GRAPH_MODULES = 1000;
export const GRAPH_MS = 60_000;
export const REDIRECTS = 10;
/** Modules to fetch at the same time. */
export const MAX_CONCURRENT_FETCHES = 8;
