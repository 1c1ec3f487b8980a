/** MySQL and MariaDB. */
import { z } from "zod";
import { defineProvider } from "../../../core/contracts/provider.ts";
import { replaceOption, TABLE_LOADS } from "../loader_options.ts";
import { tableName } from "../names.ts";
import { fromURL, MySQLConfig, permissions } from "./config.ts";
import type { MySQLConnector } from "./connector.ts";
import type { MySQLLoaderOptions } from "./loader.ts";

const LoaderOptions = replaceOption(
  "loaded in one transaction",
  " by one RENAME TABLE, for tables without triggers and foreign keys",
).extend({
  commit_marker: z.boolean().default(true).describe(
    "Whether an append writes its id into the table _dxt_commits, which tells a later run what became of it (default: true)",
  ),
});

export default defineProvider<MySQLConfig, MySQLConnector>({
  name: "mysql",
  category: "relational",
  description: "MySQL and MariaDB",
  urls: { schemes: ["mysql", "mariadb"], parse: fromURL },
  config: MySQLConfig,
  async connect(config, context) {
    const { MySQLConnector } = await import("./connector.ts");
    return await MySQLConnector.open(config, context);
  },
  permissions,
  // A server may tell names of tables apart by their case: one that does not is the careful case.
  targetPath(config, target) {
    const { schema = config.database ?? "", name } = tableName(target);
    return [schema.toLowerCase(), name.toLowerCase()];
  },
  connectionsPerThread: 2,
  extractors: {
    MySQLExtractor: {
      description: "SELECT in the binary protocol, decoded into columns",
      yields: "records",
      options: z.strictObject({}),
      async create(connector) {
        const { MySQLExtractor } = await import("./extractor.ts");
        return new MySQLExtractor(connector);
      },
      async maxWatermark(connector, request) {
        const { findSourceMax } = await import("../max_watermark.ts");
        const { watermarks } = await import("./max_watermark.ts");
        return await findSourceMax(connector, watermarks, request);
      },
    },
  },
  loaders: {
    MySQLLoader: {
      description: "LOAD DATA LOCAL INFILE, or INSERT, in one transaction",
      ...TABLE_LOADS,
      rejects: ["append", "replace"],
      options: LoaderOptions,
      async create(connector, options) {
        const { MySQLLoader } = await import("./loader.ts");
        return new MySQLLoader(connector, options as MySQLLoaderOptions);
      },
      async getOutcome(connector, target, record) {
        const { findOutcome } = await import("./load/load_commit.ts");
        return await findOutcome(connector, target, record);
      },
      async listLeftovers(...of) {
        const { listLeftovers } = await import("./load/sibling_table.ts");
        return await listLeftovers(...of);
      },
      async removeLeftover(...of) {
        const { removeLeftover } = await import("./load/sibling_table.ts");
        return await removeLeftover(...of);
      },
    },
  },
});
