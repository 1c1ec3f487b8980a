/** What a module graph may take: far more than providers are, far less than what would hurt. */
export const MODULE_BYTES = 4 * 1024 * 1024;
export const GRAPH_BYTES = 32 * 1024 * 1024;
export const GRAPH_MODULES = 1000;
export const GRAPH_MS = 60_000;
export const REDIRECTS = 10;
/** Modules that are fetched at once. */
export const MAX_CONCURRENT_FETCHES = 8;
