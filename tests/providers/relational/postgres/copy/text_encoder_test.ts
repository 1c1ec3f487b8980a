import assert from "node:assert/strict";
import fc from "fast-check";
import { textReader } from "../../../../../src/arrow/mod.ts";
import type { Batch } from "../../../../../src/core/contracts/batch.ts";
import type { Field } from "../../../../../src/models/field.ts";
import type { TableColumn } from "../../../../../src/providers/relational/postgres/sql/catalog.ts";
import { chooseColumnDecoder } from "../../../../../src/providers/relational/postgres/copy/column_decoders.ts";
import { serverDate } from "../../../../../src/providers/relational/postgres/sql/dialect.ts";
import { chooseEncoding } from "../../../../../src/providers/relational/postgres/types/column_encoding.ts";
import { BatchEncoder } from "../../../../../src/providers/relational/postgres/copy/batch_encoder.ts";
import { fromSource } from "../../../../../src/providers/relational/postgres/types/type_mapper.ts";
import { copyStream, decodeStream, rowBytes, WIRE } from "./wire_values.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function written(batches: readonly Batch[], field: Field, type: string): (string | null)[] {
  const column = { name: field.name, type, kind: "b" } as TableColumn;
  const encoder = new BatchEncoder(
    [{ field, column, fit: chooseEncoding(field, column)!, at: 0 }],
    "text",
  );
  let text = "";
  for (const batch of batches) {
    for (const frame of encoder.encode(batch)) text += utf8.decode(frame.subarray(5));
  }
  text += utf8.decode(encoder.rest().subarray(5));
  assert.ok(text === "" || text.endsWith("\n"));
  return text.split("\n").slice(0, -1).map((line) => line === "\\N" ? null : unescaped(line));
}

/** What the server makes of a line. */
function unescaped(line: string): string {
  assert.doesNotMatch(line.replace(/\\./gs, ""), /[\t\r\\]/);
  const characters: Record<string, string> = { t: "\t", n: "\n", r: "\r", "\\": "\\" };
  return line.replace(/\\(.)/gs, (_, letter: string) => {
    assert.ok(letter in characters, line);
    return characters[letter]!;
  });
}

/** Text that the server reads as the same value. */
function wanted({ data: { children }, numRows }: Batch, field: Field): (string | null)[] {
  const read = textReader(field, children[0]!, "any");
  return Array.from({ length: numRows }, (_, row) => {
    const text = read(row);
    if (text === null) return null;
    if (field.dtype === "binary") return `\\x${text}`;
    return ["date", "timestamp", "timestamp_tz"].includes(field.dtype) ? serverDate(text) : text;
  });
}

const TEXT = new Set(["text", "json", "jsonb"]);
const characters = fc.string({ unit: "binary" }).map((text) => text.replaceAll("\0", ""));
const special = fc.string({ unit: fc.constantFrom(..."\\\t\n\rNn.ab") });

/** Wire forms of text are any bytes; here they are text. */
const valuesOf = (type: string) =>
  TEXT.has(type)
    ? fc.oneof(characters, special).map((text) =>
      new TextEncoder().encode(type === "jsonb" ? `\u0001${text}` : text)
    )
    : WIRE[type]!;

for (const type of Object.keys(WIRE)) {
  Deno.test(`values of ${type} are written as text that the server reads as the same`, async () => {
    const field: Field = { name: "c", ...fromSource(type), nullable: true };
    const reading = chooseColumnDecoder(type, field, false);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.option(valuesOf(type)), { maxLength: 40 }), async (values) => {
        const rows = values.map((value) => rowBytes([value]));
        const batches = await decodeStream(copyStream(rows), [field], [reading], { rows: 10 });
        assert.deepEqual(
          written(batches, field, type),
          batches.flatMap((batch) => wanted(batch, field)),
        );
      }),
      { numRuns: 100 },
    );
  });
}
