/** Selects streams of a pipeline. */
export { matches, matchesPattern, type Selection, selectStreams } from "./match.ts";
export { formatToken, parseSelector, type Token } from "./parse.ts";
