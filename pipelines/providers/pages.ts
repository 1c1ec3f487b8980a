/**
 * A provider of one's own: records of an HTTP API that gives them page by page, as
 * `{"items": […], "total": 42, "next": "/things?page=2"}`; the last page has `"next": null`.
 */
import {
  ConnectorError,
  defineProvider,
  ExtractorError,
  type ExtractTask,
  fieldsOf,
  hostOf,
  sourceConnector,
  type StreamRef,
  undivided,
  z,
} from "dxt";

const Config = z.strictObject({
  base_url: z.url().describe("Where the API is"),
  token: z.string().optional().describe("Sent as a bearer token"),
});
type Config = z.infer<typeof Config>;

const row = z.record(z.string(), z.unknown());
const Page = z.object({ items: z.array(row), total: z.int(), next: z.string().nullable() });
type Page = z.infer<typeof Page>;

function connect({ base_url, token }: Config, signal: AbortSignal) {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const page = async (path: string): Promise<Page> => {
    const answer = await fetch(new URL(path, base_url), { headers, signal });
    if (!answer.ok) throw new ConnectorError(`Cannot get "${path}": status is ${answer.status}`);
    return Page.parse(await answer.json());
  };
  return sourceConnector({
    page,
    testConnection: async () => {
      await fetch(base_url, { method: "HEAD", signal });
      return { product: "pages", version: "1" };
    },
    getStreamFields: async (ref) => fieldsOf((await page(pathOf(ref))).items),
    estimate: async (ref) => ({ kind: "endpoint", rows: (await page(pathOf(ref))).total }),
  });
}

const pathOf = (ref: StreamRef) => "path" in ref ? ref.path : "";

/** Ends with a proof: as many records as the API says that there are, or the run fails. */
async function* extract({ page }: ReturnType<typeof connect>, task: ExtractTask) {
  let [rows, pages, total] = [0, 0, 0];
  const records = async function* () {
    for (let next: string | null = pathOf(task.source); next !== null && rows !== task.limit;) {
      task.signal.throwIfAborted();
      const { items, ...told }: Page = await page(next);
      ({ next, total } = told);
      const wanted = items.slice(0, (task.limit ?? Infinity) - rows);
      [rows, pages] = [rows + wanted.length, pages + 1];
      yield* wanted;
    }
    if (rows === (task.limit ?? total) || rows === total) return;
    throw new ExtractorError(`${rows} records came, the API told ${total}`);
  };
  yield* task.batches(records());
  return { rows, evidence: `${pages} pages, ${total} records` };
}

export default defineProvider({
  name: "pages",
  category: "webapi",
  description: "Pages of a JSON API",
  config: Config,
  connect: (config, { signal }) => Promise.resolve(connect(config, signal)),
  permissions: ({ base_url }) => ({ net: [hostOf(base_url)] }),
  extractors: {
    PagesExtractor: {
      description: "All pages of an endpoint",
      yields: "records",
      options: z.strictObject({}),
      create: (api) => ({
        partition: undivided,
        extract: (t) => extract(api, t),
      }),
    },
  },
  loaders: {},
});
