import parquet from "../../../src/formats/parquet/parquet.ts";
import { testFormat } from "../../conformance/format.ts";

testFormat(parquet, { typed: true });
