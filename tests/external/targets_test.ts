/** A target of one's own, and what holds a provider to the hosts that it was granted. */
import assert from "node:assert/strict";
import { withFolder } from "../support/run.ts";
import { EXAMPLE, serveThings, thingsPipeline } from "./api.ts";
import { clean, inBothModes, write } from "./modes.ts";

const SINK = `
import {
  type Connector, ConnectorError, defineProvider, EXACT, hostOf, type LoaderClass, sourceConnector, z,
} from "dxt";
const Config = z.strictObject({ url: z.url().describe("Where records are sent") });
export const Sink: LoaderClass = {
  description: "Sends records as lines of JSON",
  modes: { append: "at least once" },
  accepts: ["records"],
  overlaps: false,
  options: z.strictObject({ label: z.string().default("none").describe("Sent along") }),
  create: (connector, options) => ({
    async load({ staged, signal }) {
      const { url } = connector as Connector & { url: string };
      const { label } = options as { label: string };
      let rows = 0;
      let body = "";
      for await (const record of staged.readRecords()) {
        body += JSON.stringify(record, (_, v) => typeof v === "bigint" ? Number(v) : v) + "\\n";
        rows++;
      }
      const answer = await fetch(url + "?label=" + label, { method: "POST", body, signal });
      if (!answer.ok) throw new ConnectorError("Cannot send: status is " + answer.status);
      return { rows, evidence: "status " + answer.status };
    },
    plan: ({ staged }) => Promise.resolve({
      exists: true, statements: [], destructive: [], problems: [],
      columns: staged.fields.map((field) => ({ field, type: field.dtype, conversion: EXACT })),
    }),
    getMaxWatermark: () => Promise.resolve(undefined),
  }),
};
export default defineProvider({
  name: "sink",
  category: "webapi",
  description: "Takes records over HTTP",
  config: Config,
  connect: ({ url }) => Promise.resolve(sourceConnector({
    url,
    testConnection: () => Promise.resolve({ product: "sink", version: "1" }),
    getStreamFields: () => Promise.resolve(undefined),
    checkWrite: () => Promise.resolve({ action: "send", problems: [] }),
  })),
  permissions: ({ url }) => ({ net: [hostOf(url)] }),
  extractors: {},
  loaders: { Sink },
});
`;

inBothModes(
  "a target of one's own takes what was staged, its loader with options",
  (dxt) =>
    withFolder(async (folder) => {
      const taken: string[] = [];
      const listen = { hostname: "127.0.0.1", port: 0, onListen() {} };
      await using server = Deno.serve(listen, async (request) => {
        taken.push(`${new URL(request.url).search} ${await request.text()}`);
        return new Response();
      });
      const host = `127.0.0.1:${server.addr.port}`;
      await write(folder, "sink.ts", SINK);
      await write(folder, "in.csv", "id,name\n1,one\n2,two\n");
      const pipeline = (stream: Record<string, unknown>) => ({
        version: 1,
        name: "out",
        source: { provider: "local" },
        target: { provider: "./sink.ts", url: `http://${host}/`, permissions: { net: [host] } },
        streams: [{ id: "in", source: "in.csv", target: "lines", ...stream }],
      });
      const loaders = [
        {},
        { loader: { class: "Sink", config: { label: "x" } } },
        { loader: { class: "./sink.ts#Sink", config: { label: "y" } } },
      ];
      for (const stream of loaders) {
        await write(folder, "p.yaml", pipeline(stream));
        clean(await dxt(folder, ["run", "p.yaml"]));
        clean(await dxt(folder, ["plan", "p.yaml"]));
      }
      const lines = '{"id":1,"name":"one"}\n{"id":2,"name":"two"}\n';
      assert.deepEqual(taken, ["none", "x", "y"].map((label) => `?label=${label} ${lines}`));
    }),
);

inBothModes(
  "a page that leads elsewhere, and a redirect, are held to the granted host",
  (dxt) =>
    withFolder(async (folder) => {
      await using server = serveThings();
      await using other = serveThings();
      await write(folder, "pages.ts", EXAMPLE);
      await write(folder, "p.yaml", thingsPipeline("./pages.ts", server.host));
      const next = `${other.base}/things`;
      const elsewhere = [
        { body: JSON.stringify({ items: [{ id: 1 }], total: 2, next }) },
        { location: next },
      ];
      for (const route of elsewhere) {
        server.routes["/things"] = route;
        const { code, err } = await dxt(folder, ["run", "p.yaml"]);
        assert.equal(code, 1, err);
        assert.ok(err.includes(other.host), err);
        assert.deepEqual(other.asked, []);
      }
    }),
);
