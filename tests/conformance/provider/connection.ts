import { usage } from "../../support/usage.ts";
import assert from "node:assert/strict";
import { listNeeds } from "../../../src/providers/provider_info.ts";
import { z } from "zod";
import type { Check } from "./trial.ts";
import { ORDER_FIELDS, orders } from "./records.ts";

export const connectionChecks = {
  "unknown config key": {
    title: "an unknown key of the connection is refused by name",
    async run({ provider, config }) {
      const parsed = provider.config.safeParse({ ...config as object, no_such_key: 1 });
      assert.equal(parsed.success, false);
      assert.match(parsed.error!.message, /no_such_key/);
      await Promise.resolve();
    },
  },
  "config described": {
    title: "every key of connection, extractors and loaders is described",
    async run({ provider }) {
      const schemas = [
        provider.config,
        ...Object.values(provider.extractors).map(({ options }) => options),
        ...Object.values(provider.loaders).map(({ options }) => options),
      ];
      for (const schema of schemas) {
        const json = z.toJSONSchema(schema, { unrepresentable: "any", io: "input" });
        assert.deepEqual(undescribed(json as Schema), []);
      }
      for (
        const one of [...Object.values(provider.extractors), ...Object.values(provider.loaders)]
      ) {
        assert.notEqual(one.description, "");
      }
      await Promise.resolve();
    },
  },
  "open and close": {
    title: "a connection tells its product, and closing it twice is harmless",
    async run(trial) {
      const connector = await trial.open();
      const info = await connector.testConnection();
      assert.notEqual(info.product, "");
      assert.notEqual(info.version, "");
      await connector[Symbol.asyncDispose]();
      await connector[Symbol.asyncDispose]();
    },
  },
  "missing source": {
    title: "a dataset that does not exist has no fields",
    async run(trial) {
      const connector = await trial.connector();
      assert.equal(await connector.getStreamFields(trial.source("nowhere")), undefined);
    },
  },
  "discover": {
    title: "what was loaded is discovered, with its fields, and can be read by what was discovered",
    async run(trial) {
      await trial.load("discovered", ORDER_FIELDS, orders(0, 3));
      const found = await (await trial.connector()).discover();
      const names = found.map(({ name }) => name);
      assert.deepEqual(names, [...names].sort(), "not sorted by name");
      const [one, another] = found.filter(({ name }) => name.includes("discovered"));
      assert.ok(one !== undefined && another === undefined, `discovered: ${names.join(", ")}`);
      assert.deepEqual(one.fields, await trial.fields("discovered"));
      assert.deepEqual(await trial.rows(one.source), await trial.rows("discovered"));
      assert.equal((await trial.rows(one.source)).length, 3);
    },
  },
  "access": {
    title: "what can be read and written is told, and what cannot with the reason, nothing is made",
    async run(trial) {
      await trial.load("reachable", ORDER_FIELDS, orders(0, 3));
      const connector = await trial.connector();
      const read = await connector.checkRead(trial.source("reachable"));
      assert.deepEqual(read.problems, []);
      assert.match(read.action, /reachable/);
      for (const mode of trial.modes) {
        const written = await connector.checkWrite(trial.target("reachable"), mode);
        assert.deepEqual(written.problems, [], mode);
        assert.match(written.action, /reachable/);
        assert.deepEqual((await connector.checkWrite(trial.target("new one"), mode)).problems, []);
      }
      const { problems } = await connector.checkRead(trial.source("nowhere"));
      assert.equal(problems.length, 1);
      assert.match(problems[0]!, /nowhere/);
      assert.equal(await trial.exists("new one"), false);
      assert.equal((await trial.rows("reachable")).length, 3);
    },
  },
  "permissions": {
    title: "the permissions that a connection needs are named",
    async run(trial) {
      const { provider, config } = trial;
      const needed = listNeeds(provider, provider.config.parse(config), {
        ...usage(Deno.cwd()),
        writes: [trial.target("records")],
      });
      assert.ok([...needed.net, ...needed.read].length > 0, "neither a host nor a path");
      for (const host of needed.net) assert.match(host, /:\d+$/);
      for (const path of [...needed.read, ...needed.write]) assert.match(path, /^\/|^[A-Z]:/);
      await Promise.resolve();
    },
  },
} satisfies Record<string, Check>;

interface Schema {
  readonly description?: string;
  readonly properties?: Record<string, Schema>;
  readonly anyOf?: readonly Schema[];
  readonly items?: Schema;
}

/** Paths of the keys without a description. */
function undescribed(schema: Schema, path = ""): string[] {
  return [
    ...Object.entries(schema.properties ?? {}).flatMap(([key, value]) => [
      ...(value.description === undefined ? [`${path}${key}`] : []),
      ...undescribed(value, `${path}${key}.`),
    ]),
    ...(schema.anyOf ?? []).flatMap((one) => undescribed(one, path)),
    ...(schema.items === undefined ? [] : undescribed(schema.items, path)),
  ];
}
