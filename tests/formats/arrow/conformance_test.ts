import arrow from "../../../src/formats/arrow/arrow.ts";
import { testFormat } from "../../conformance/format.ts";

testFormat(arrow, { typed: true });
