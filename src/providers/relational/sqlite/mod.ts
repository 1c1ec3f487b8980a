/** SQLite database files, over the runtime's own SQLite. */
import { z } from "zod";
import { defineProvider } from "../../../core/contracts/provider.ts";
import { fromURL, SqliteConfig } from "./config.ts";
import type { SqliteConnector } from "./connector.ts";
import { TABLE_LOADS } from "../loader_options.ts";
import { tableName } from "../names.ts";
import { foldName } from "./sql/dialect.ts";
import { permissions } from "./permissions.ts";

const NONE = z.strictObject({});

export default defineProvider<SqliteConfig, SqliteConnector>({
  name: "sqlite",
  category: "relational",
  description: "SQLite database files",
  config: SqliteConfig,
  urls: { schemes: ["sqlite", "sqlite3"], parse: fromURL },
  async connect(config, context) {
    const { SqliteConnector } = await import("./connector.ts");
    return new SqliteConnector(config, context);
  },
  permissions,
  targetPath(_config, target) {
    const { schema = "main", name } = tableName(target);
    return [foldName(schema), foldName(name)];
  },
  extractors: {
    SqliteExtractor: {
      description: "Reads tables, views, queries and functions in one read transaction",
      yields: "records",
      splitsByField: true,
      options: NONE,
      async create(connector) {
        const { SqliteExtractor } = await import("./extractor.ts");
        return new SqliteExtractor(connector);
      },
      async maxWatermark(connector, request) {
        const { findSourceMax } = await import("../max_watermark.ts");
        const { watermarks } = await import("./sql/max_watermark.ts");
        return await findSourceMax(connector, watermarks, request);
      },
    },
  },
  loaders: {
    SqliteLoader: {
      description: "Writes in one transaction",
      ...TABLE_LOADS,
      rejects: ["append", "replace", "upsert"],
      options: NONE,
      async create(connector) {
        const { SqliteLoader } = await import("./loader.ts");
        return new SqliteLoader(connector);
      },
      async getOutcome(connector, target, record) {
        const { loadOutcome } = await import("./load/load_commit.ts");
        return await loadOutcome(connector, target, record);
      },
    },
  },
});
