/** Selects streams of a pipeline. */
export { matches, type Selection, selectStreams } from "./match.ts";
export { formatToken, parseSelector, type Token } from "./parse.ts";
