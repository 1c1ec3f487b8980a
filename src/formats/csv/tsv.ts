/** Tab-separated values, quoted like CSV. */
import { delimitedFormat } from "./format.ts";

export default delimitedFormat("tsv", "\t");
