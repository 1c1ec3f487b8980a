/** JSON: an array of objects, one record each, or one object. https://www.rfc-editor.org/rfc/rfc8259 */
import type { FileFormat } from "../format.ts";
import { jsonFormat } from "./record_format.ts";
import { DocumentSource } from "./source.ts";

export default jsonFormat({
  name: "json",
  optionKeys: ["encoding", "infer_rows"],
  source: DocumentSource,
  layout: () => ({
    open: "[",
    beforeFirst: "\n",
    between: ",\n",
    afterLast: "\n",
    close: "]\n",
    oneLine: false,
  }),
}) satisfies FileFormat;
