/** PostgreSQL. */
import { z } from "zod";
import { defineProvider } from "../../../core/contracts/provider.ts";
import { fromURL, permissions, PostgresConfig } from "./config.ts";
import type { PostgresConnector } from "./connector.ts";
import { type ReplaceOption, replaceOption, TABLE_LOADS } from "../loader_options.ts";
import { tableName } from "../names.ts";

const LoaderOptions = replaceOption(
  "copied in one transaction, everything else stays and readers never wait",
  ", faster, for tables that nothing depends on",
);

export default defineProvider<PostgresConfig, PostgresConnector>({
  name: "postgres",
  category: "relational",
  description: "PostgreSQL",
  config: PostgresConfig,
  urls: { schemes: ["postgres", "postgresql"], parse: fromURL },
  async connect(config, { baseDirectory, showValues, trace, ...context }) {
    const { PostgresConnector } = await import("./connector.ts");
    return await PostgresConnector.open({ ...config, baseDirectory, showValues, trace }, context);
  },
  permissions,
  // Quoted names are case-sensitive. Without a setting, tables are in "public".
  targetPath(config, target) {
    const { schema = config.schema ?? "public", name } = tableName(target);
    return [schema, name];
  },
  connectionsPerThread: 2,
  keepsConnections: true,
  extractors: {
    PostgresCopyExtractor: {
      description: "COPY … TO STDOUT in binary, decoded into columns",
      yields: "records",
      splitsByField: true,
      options: z.strictObject({}),
      async create(connector) {
        const { PostgresCopyExtractor } = await import("./copy_extractor.ts");
        return new PostgresCopyExtractor(connector);
      },
      async maxWatermark(connector, request) {
        const { findSourceMax } = await import("../max_watermark.ts");
        const { watermarkReader } = await import("./sql/max_watermark.ts");
        return await findSourceMax(connector, watermarkReader(connector.system), request);
      },
    },
  },
  loaders: {
    PostgresCopyLoader: {
      description: "COPY … FROM STDIN, one transaction",
      ...TABLE_LOADS,
      rejects: ["append", "replace", "upsert"],
      options: LoaderOptions,
      async create(connector, options) {
        const { PostgresCopyLoader } = await import("./copy_loader.ts");
        return new PostgresCopyLoader(connector, options as ReplaceOption);
      },
      async createParallel(connector, options) {
        const { PostgresParallelLoad } = await import("./copy_loader.ts");
        return new PostgresParallelLoad(connector, options as ReplaceOption);
      },
      async getOutcome({ config }, _target, record) {
        const { findOutcome } = await import("./load/load_commit.ts");
        return await findOutcome(record, config);
      },
      async listLeftovers(...of) {
        const { listLeftovers } = await import("./sibling_table.ts");
        return await listLeftovers(...of);
      },
      async removeLeftover(...of) {
        const { removeLeftover } = await import("./sibling_table.ts");
        return await removeLeftover(...of);
      },
    },
  },
});
