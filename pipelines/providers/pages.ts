/**
 * A provider of one's own: records of an HTTP API that gives them page by page, as
 * `{"items": […], "total": 42, "next": "/things?page=2"}`; the last page has `"next": null`.
 */
import {
  type Connector,
  ConnectorError,
  defineProvider,
  ExtractorError,
  type ExtractTask,
  fieldsOf,
  hostOf,
  plainTypes,
  readOnly,
  type StreamRef,
  undivided,
  z,
} from "dxt";

const Config = z.strictObject({
  base_url: z.url().describe("Where the API is"),
  token: z.string().optional().describe("Sent as a bearer token"),
});
type Config = z.infer<typeof Config>;
type Row = Record<string, unknown>;

/** An answer of the API, its shape checked. */
const Page = z.object({
  items: z.array(z.record(z.string(), z.unknown())),
  total: z.int(),
  next: z.string().nullable(),
});

const pathOf = (ref: StreamRef) => "path" in ref ? ref.path : "";

class Pages implements Connector {
  readonly checkWrite = readOnly;

  constructor(readonly config: Config, readonly signal: AbortSignal) {}

  async page(path: string, signal = this.signal) {
    const { base_url, token } = this.config;
    const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
    const answer = await fetch(new URL(path, base_url), { headers, signal });
    if (!answer.ok) throw new ConnectorError(`Cannot get "${path}": status is ${answer.status}`);
    return Page.parse(await answer.json());
  }

  async testConnection() {
    await fetch(this.config.base_url, { method: "HEAD", signal: this.signal });
    return { product: "pages", version: "1" };
  }

  async getStreamFields(ref: StreamRef) {
    return fieldsOf((await this.page(pathOf(ref))).items);
  }

  discover = () => Promise.resolve([]);

  async estimate(source: StreamRef) {
    return { kind: "endpoint", rows: (await this.page(pathOf(source))).total };
  }

  async checkRead(source: StreamRef) {
    await this.page(pathOf(source));
    return { action: `read "${pathOf(source)}"`, problems: [] };
  }

  [Symbol.asyncDispose] = () => Promise.resolve();
}

/** Ends with a proof: as many records as the API says that there are, or the run fails. */
async function* extract(api: Pages, task: ExtractTask) {
  let [rows, pages, total] = [0, 0, 0];
  const records = async function* (): AsyncGenerator<Row, void, void> {
    for (let next: string | null = pathOf(task.source); next !== null; pages++) {
      const page: z.infer<typeof Page> = await api.page(next, task.signal);
      ({ next, total } = page);
      const wanted = page.items.slice(0, (task.limit ?? Infinity) - rows);
      rows += wanted.length;
      yield* wanted;
      if (rows === task.limit) return;
    }
    if (rows !== total) throw new ExtractorError(`${rows} records came, the API told ${total}`);
  };
  yield* task.batches(records());
  return { rows, evidence: `${pages} pages, ${total} records` };
}

export default defineProvider<Config, Pages>({
  name: "pages",
  category: "webapi",
  description: "Pages of a JSON API",
  schemes: [],
  config: Config,
  fromURL: (base_url) => ({ base_url }),
  connect: (config, { signal }) => Promise.resolve(new Pages(config, signal)),
  permissions: ({ base_url }) => ({ net: [hostOf(base_url)], read: [], write: [], env: [] }),
  typeMapper: plainTypes,
  extractors: {
    PagesExtractor: {
      description: "All pages of an endpoint",
      yields: "records",
      options: z.strictObject({}),
      create: (api) => ({
        yields: "records",
        partition: undivided,
        extract: (task) => extract(api, task),
      }),
    },
  },
  loaders: {},
});
