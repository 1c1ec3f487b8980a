/**
 * What every provider that is only read holds to. An author's test calls {@linkcode testSource} once,
 * against a system that it has started and that does not change meanwhile.
 */
import assert from "node:assert/strict";
import { createExtractTask, readRecords } from "../../src/arrow/mod.ts";
import type { Connector } from "../../src/core/contracts/connector.ts";
import type { ExtractRequest, RecordExtractor } from "../../src/core/contracts/extractor.ts";
import type { Provider } from "../../src/core/contracts/provider.ts";
import type { DXTRecord } from "../../src/core/values/values.ts";
import type { Field } from "../../src/models/field.ts";
import { CATEGORY_SOURCES, type StreamSource } from "../../src/models/source.ts";
import { listNeeds } from "../../src/providers/provider_info.ts";
import { asProvider } from "../../src/providers/validate_export.ts";
import { rowsOf } from "./provider/trial.ts";
import { connectContext } from "../support/connect_context.ts";

export interface SourceTest<Config, C extends Connector> {
  readonly provider: Provider<Config, C>;
  /** Keys of a connection that works, as a pipeline has them. */
  readonly config: unknown;
  /** A dataset, and all its records in any order; at least three. */
  readonly source: StreamSource;
  readonly records: readonly DXTRecord[];
  /** A dataset of the same kind that is not there. */
  readonly missing: StreamSource;
}

interface Opened {
  readonly connector: Connector;
  readonly extractor: RecordExtractor;
  readonly fields: readonly Field[];
}

type Check = (test: SourceTest<unknown, Connector>, opened: Opened) => Promise<void>;

const CHECKS: Readonly<Record<string, Check>> = {
  "a connection tells what it is connected to": async (_test, { connector }) => {
    const { product, version } = await connector.testConnection();
    assert.ok(product !== "" && version !== "");
  },
  "permissions are named: hosts with ports, absolute paths": async (
    { provider, config, source },
  ) => {
    const usage = { baseDirectory: "/base", reads: [source], writes: [] };
    const needed = listNeeds(provider, provider.config.parse(config), usage);
    assert.ok([...needed.net, ...needed.read].length > 0, "neither a host nor a path");
    for (const host of needed.net) assert.match(host, /:\d+$/);
    for (const path of [...needed.read, ...needed.write]) assert.match(path, /^\/|^[A-Z]:/);
    await Promise.resolve();
  },
  "fields are those of the records": async ({ records }, { fields }) => {
    assert.deepEqual(fields.map(({ name }) => name).sort(), Object.keys(records[0]!).sort());
    await Promise.resolve();
  },
  "a dataset that is there can be read, one that is not cannot": async (test, { connector }) => {
    assert.deepEqual((await connector.checkRead(test.source)).problems, []);
    const problems = await connector.checkRead(test.missing).then(
      ({ problems }) => problems,
      (error) => [String(error)],
    );
    assert.ok(problems.length > 0, "no problem with what is missing");
    assert.match(await connector.describeMissing(test.missing), /^(in|at) .+: /);
  },
  "every record comes, with a proof of as many": async ({ source, records }, opened) => {
    const read = await readAll(opened, request(source, opened.fields));
    assert.deepEqual(rowsOf(read.records), rowsOf(records));
    assert.equal(read.rows, records.length);
    assert.notEqual(read.evidence, "");
  },
  "batches are as small as they are asked for": async ({ source, records }, opened) => {
    const asked = { ...request(source, opened.fields), batchRows: 2 };
    const read = await readAll(opened, asked);
    assert.ok(read.sizes.every((size) => size > 0 && size <= 2), read.sizes.join(" "));
    assert.deepEqual(rowsOf(read.records), rowsOf(records));
  },
  "fields are read under other names, and some are left out": async (
    { source, records },
    opened,
  ) => {
    const [first] = opened.fields;
    const projections = [{ field: { ...first!, name: "other name" }, column: first!.name }];
    const read = await readAll(opened, { ...request(source, opened.fields), projections });
    const wanted = records.map((record) => ({ "other name": record[first!.name]! }));
    assert.deepEqual(rowsOf(read.records), rowsOf(wanted));
  },
  "a limited extraction gives so many, and proves these": async ({ source, records }, opened) => {
    for (const limit of [1, 2, records.length, records.length + 1]) {
      const read = await readAll(opened, { ...request(source, opened.fields), limit });
      assert.equal(read.records.length, Math.min(limit, records.length), `limit ${limit}`);
      assert.equal(read.rows, read.records.length);
    }
  },
  "what is not there is no empty success": async ({ missing }, opened) => {
    await assert.rejects(readAll(opened, request(missing, opened.fields)));
  },
  "an extraction that is stopped before it begins gives nothing": async ({ source }, opened) => {
    const signal = AbortSignal.abort(new Error("stopped"));
    await assert.rejects(readAll(opened, { ...request(source, opened.fields), signal }));
  },
  "it can be left half-way, and closed twice": async ({ source }, { connector, ...opened }) => {
    const asked = { ...request(source, opened.fields), batchRows: 1 };
    for await (const _ of opened.extractor.extract(createExtractTask(asked))) break;
    await connector[Symbol.asyncDispose]();
    await connector[Symbol.asyncDispose]();
  },
};

function request(source: StreamSource, fields: readonly Field[]): ExtractRequest {
  const projections = fields.map((field) => ({ field, column: field.name }));
  const { signal } = new AbortController();
  return { source, projections, batchRows: 1000, batchBytes: 1 << 24, signal };
}

async function readAll({ extractor }: Pick<Opened, "extractor">, asked: ExtractRequest) {
  const records: DXTRecord[] = [];
  const sizes: number[] = [];
  const extraction = extractor.extract(createExtractTask(asked));
  while (true) {
    const next = await extraction.next();
    if (next.done === true) {
      assert.ok(next.value !== undefined, "no proof");
      return { records, sizes, ...next.value };
    }
    sizes.push(next.value.numRows);
    records.push(...readRecords(next.value));
  }
}

export function testSource<Config, C extends Connector>(test: SourceTest<Config, C>): void {
  const provider = asProvider(test.provider, "the provider");
  const same = { ...test, provider } as unknown as SourceTest<unknown, Connector>;
  Deno.test(`${provider.name}: it reads what its category has`, () => {
    const types: readonly string[] = CATEGORY_SOURCES[provider.category];
    assert.ok(types.includes(test.source.type), `${provider.category}: ${types.join(", ")}`);
  });
  for (const [title, check] of Object.entries(CHECKS)) {
    Deno.test(`${provider.name}: ${title}`, async () => {
      const config = provider.config.parse(test.config);
      const { signal } = new AbortController();
      await using connector = await provider.connect(config, connectContext(Deno.cwd(), signal));
      const found = Object.values(provider.extractors).find(({ yields }) => yields === "records");
      assert.ok(found !== undefined, "no extractor of records");
      const options = found.options.parse({});
      const extractor = await found.create(connector, options) as RecordExtractor;
      const fields = await connector.getStreamFields(test.source);
      assert.ok(fields !== undefined, "the dataset is not there");
      await check(same, { connector, extractor, fields });
    });
  }
}
