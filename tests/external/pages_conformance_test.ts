/** The worked example holds to what every source holds to. */
import pages from "../../pipelines/providers/pages.ts";
import type { DXTRecord } from "../../src/core/values/values.ts";
import { JSONText } from "../../src/core/values/values.ts";
import { testSource } from "../conformance/source.ts";
import { serveThings, THINGS } from "./api.ts";

const server = serveThings();

testSource({
  provider: pages,
  config: { base_url: server.base },
  source: { type: "endpoint", path: "/things" },
  records: THINGS.map(({ id, tags, ...thing }): DXTRecord => ({
    id: BigInt(id),
    ...thing,
    tags: JSONText.of(tags),
  })),
  missing: { type: "endpoint", path: "/none" },
});
