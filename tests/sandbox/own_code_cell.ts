/** A thread that confines itself, and then does what dxt's own code of a thread does. */
import { DatabaseSync } from "node:sqlite";
import type { RelationalConnector } from "../../src/core/contracts/connector.ts";
import { loadFormat } from "../../src/formats/mod.ts";
import { loadProvider, PROVIDER_NAMES } from "../../src/providers/resolve.ts";
import { confineWorker } from "../../src/sandbox/confine.ts";
import { onUncaught, openPort } from "../../src/sandbox/port.ts";
import { field, Trial } from "../conformance/format/trial.ts";
import { connectContext } from "../support/connect_context.ts";

const port = openPort();
onUncaught((error) => port.post({ error: String(error) }));

const FORMATS = ["parquet", "csv", "json", "jsonl", "arrow"] as const;
const FIELDS = [field("id", "int64"), field("name", "string")];
const ROWS = [[1n, "one"], [2n, null]] as const;

async function formats(): Promise<Record<string, unknown>> {
  const read: Record<string, unknown> = {};
  for (const name of FORMATS) {
    const trial = new Trial(await loadFormat(name), {});
    read[name] = await trial.read(await trial.write(FIELDS, ROWS), FIELDS);
  }
  return read;
}

async function sqlite(baseDirectory: string): Promise<unknown> {
  using database = new DatabaseSync(`${baseDirectory}/a.db`);
  database.exec("create table t (a integer, b text); insert into t values (1, 'x')");
  const provider = await loadProvider("sqlite");
  const { signal } = new AbortController();
  const config = provider.config.parse({ path: "a.db" });
  const opened = await provider.connect(config, connectContext(baseDirectory, signal));
  await using connector = opened as RelationalConnector;
  return (await connector.query("select b from t"))[0]!["b"];
}

port.listen(async (folder) => {
  try {
    await confineWorker([], { onOutput() {} });
    const loaded = [];
    for (const name of PROVIDER_NAMES) loaded.push((await loadProvider(name)).name);
    port.post({ loaded, sqlite: await sqlite(folder as string), formats: await formats() });
  } catch (error) {
    port.post({ error: error instanceof Error ? error.stack : String(error) });
  }
});
