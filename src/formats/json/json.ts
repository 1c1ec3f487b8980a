/**
 * The JSON format: an array of objects, one record each, or a single object. Format:
 * https://www.rfc-editor.org/rfc/rfc8259
 */
import { CLOSE_ARRAY, COMMA, OPEN_ARRAY, OPEN_OBJECT } from "../../core/values/ascii.ts";
import type { FileFormat } from "../format.ts";
import { createJSONFormat } from "./record_format.ts";
import { skipSpace, throwMalformed } from "./syntax/scan.ts";
import { RecordSource } from "./records/source.ts";

/** Reads the elements of a top-level array, or one top-level object. */
class DocumentSource extends RecordSource {
  #state: "start" | "first" | "element" | "object" | "done" = "start";

  protected advance(): boolean {
    const { window } = this;
    const { bytes, end } = window;
    if (this.#state === "start") this.#open();
    const at = window.start = skipSpace(bytes, window.start);
    switch (this.#state) {
      case "first":
        if (bytes[at] !== CLOSE_ARRAY) return this.#element(at);
        this.#state = "done";
        window.start = at + 1;
        return this.advance();
      case "element":
        return this.#element(at);
      case "object":
        window.start = this.scan(bytes, at, end);
        this.#state = "done";
        return true;
      default:
        throwMalformed(
          bytes,
          at,
          end,
          "the end of the file (JSON Lines have format jsonl)",
        );
    }
  }

  #open(): void {
    const { window } = this;
    const at = window.start = skipSpace(window.bytes, window.start);
    const first = window.bytes[at];
    if (first === OPEN_ARRAY) {
      this.#state = "first";
      window.start = at + 1;
    } else if (first === OPEN_OBJECT) {
      this.#state = "object";
    } else {
      throwMalformed(window.bytes, at, window.end, "an array of objects, or one object");
    }
  }

  /** Scans a record and the comma or bracket behind it. */
  #element(start: number): boolean {
    const { window } = this;
    const { bytes, end } = window;
    const at = skipSpace(bytes, this.scan(bytes, start, end));
    if (bytes[at] === CLOSE_ARRAY) this.#state = "done";
    else if (bytes[at] === COMMA) this.#state = "element";
    else throwMalformed(bytes, at, end, '"," or "]" after a record');
    window.start = at + 1;
    return true;
  }

  protected finish(): boolean {
    if (this.#state === "done") return false;
    throw this.error(
      this.#state === "start"
        ? "the file is empty, expected an array of objects, or one object"
        : "the file ends early, expected a complete array or object",
    );
  }
}

export default createJSONFormat({
  name: "json",
  source: DocumentSource,
  divisible: false,
  layout: () => ({
    open: "[",
    beforeFirst: "\n",
    between: ",\n",
    afterLast: "\n",
    close: "]\n",
    oneLine: false,
  }),
}) satisfies FileFormat;
