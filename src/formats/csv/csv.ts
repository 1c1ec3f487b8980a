/** Comma-separated values. Format: https://www.rfc-editor.org/rfc/rfc4180 */
import { delimitedFormat } from "./format.ts";

export default delimitedFormat("csv", ",");
