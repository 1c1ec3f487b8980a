/** Which streams of a pipeline are meant. */
export { matches, type Selection, selectStreams } from "./match.ts";
export { parseSelector, textOfToken, type Token } from "./parse.ts";
