import json from "../../../src/formats/json/json.ts";
import jsonl from "../../../src/formats/json/jsonl.ts";
import { testFormat } from "../../conformance/format.ts";

const skip = {
  "JSON null": "NULL is written as null, and another null is refused",
  "missing column": "a record without the key holds NULL there",
  "fields of an empty file": "names are in records only",
};

testFormat(json, { skip });
testFormat(jsonl, { skip, cut: "prefix" });
