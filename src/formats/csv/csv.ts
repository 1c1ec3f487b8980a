/** The format of comma-separated values: https://www.rfc-editor.org/rfc/rfc4180 */
import { createDelimitedFormat } from "./format.ts";

export default createDelimitedFormat("csv", ",");
