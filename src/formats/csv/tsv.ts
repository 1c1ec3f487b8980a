/** The format of tab-separated values, quoted as in CSV. */
import { createDelimitedFormat } from "./format.ts";

export default createDelimitedFormat("tsv", "\t");
