/** JSON Lines: an object on each line, one record each. https://jsonlines.org */
import type { FileFormat } from "../format.ts";
import { jsonFormat } from "./record_format.ts";
import { LineSource } from "./source.ts";

export default jsonFormat({
  name: "jsonl",
  optionKeys: ["encoding", "infer_rows", "line_end"],
  source: LineSource,
  layout: ({ line_end = "\n" }) => ({
    open: "",
    beforeFirst: "",
    between: line_end,
    afterLast: line_end,
    close: "",
    oneLine: true,
  }),
}) satisfies FileFormat;
