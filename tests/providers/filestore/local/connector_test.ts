/** The provider's contract, for every format that it writes. */
import type { Field } from "../../../../src/models/field.ts";
import type { Format } from "../../../../src/models/format.ts";
import local from "../../../../src/providers/filestore/local/mod.ts";
import { type CheckName, testProvider } from "../../../conformance/provider.ts";

async function connection() {
  const path = await Deno.makeTempDir({ prefix: "dxt-test-" });
  return { config: { path }, release: () => Deno.remove(path, { recursive: true }) };
}

type Widens = (field: Field) => Partial<Field>;

function testFormat(
  format: Format,
  widens: Widens = () => ({}),
  skip: Partial<Record<CheckName, string>> = {},
): void {
  testProvider({
    provider: local,
    label: `local ${format}`,
    connection,
    target: (name) => ({ type: "file", path: `${name}.${format}` }),
    widens,
    skip,
  });
}

testFormat("parquet");
testFormat("arrow");

/** CSV keeps no types: these are what its values are guessed to be. */
const guessedFromCSV: Widens = ({ name, dtype, precision = 38 }) => {
  if (/^u?int(8|16|32)$/.test(dtype)) return { dtype: "int64" };
  if (["binary", "json", "array", "object"].includes(dtype)) return { dtype: "string" };
  // Of these values one is no double with 15 digits.
  if (name === "f_float64") return { dtype: "string" };
  if (dtype === "float32") return { dtype: "float64" };
  return dtype === "decimal" ? { precision: precision <= 38 ? 38 : 76 } : {};
};

const CSV_SKIPS: Partial<Record<CheckName, string>> = {
  "far years": "dates before year 0 and after 9999 are guessed to be text",
};
testFormat("csv", guessedFromCSV, CSV_SKIPS);
testFormat("tsv", guessedFromCSV, CSV_SKIPS);

/** JSON has text, numbers and booleans; numbers are guessed from their digits. */
const guessedFromJSON: Widens = ({ dtype }) => {
  if (/^u?int(8|16|32)$/.test(dtype)) return { dtype: "int64" };
  if (dtype === "float32" || dtype === "decimal") return { dtype: "float64" };
  return /^(binary|date|time|timestamp|timestamp_tz)$/.test(dtype) ? { dtype: "string" } : {};
};

const NULL_IN_JSON = "JSON's null in a json field would be NULL, so it is refused";
const JSON_SKIPS: Partial<Record<CheckName, string>> = {
  "every type": NULL_IN_JSON,
  "fields": NULL_IN_JSON,
  "fields again": NULL_IN_JSON,
  "empty": "without a record there is no key that tells a field",
  "NaN": "it is the text NaN, beside numbers that makes a json field",
  "missing column": "a key may be missing, it is NULL then",
  "highest watermark": "a timestamp is text, and that has another order than time",
  "range": "a timestamp is text, and that has another order than time",
};
testFormat("json", guessedFromJSON, JSON_SKIPS);
testFormat("jsonl", guessedFromJSON, JSON_SKIPS);
