/** SQLite database files, over the runtime's own SQLite. */
import { z } from "zod";
import { defineProvider } from "../../../core/provider.ts";
import { fromURL, SqliteConfig } from "./config.ts";
import { SqliteConnector } from "./connector.ts";
import { SqliteExtractor } from "./extractor.ts";
import { SqliteLoader } from "./loader.ts";
import { permissions } from "./permissions.ts";
import { typeMapper } from "./type_mapper.ts";

const NONE = z.strictObject({});

export default defineProvider<SqliteConfig, SqliteConnector>({
  name: "sqlite",
  category: "relational",
  description: "SQLite database files",
  schemes: ["sqlite", "sqlite3"],
  config: SqliteConfig,
  fromURL,
  connect: (config, context) => Promise.resolve(new SqliteConnector(config, context)),
  permissions,
  typeMapper,
  extractors: {
    SqliteExtractor: {
      description: "Reads tables, views, queries and functions in one read transaction",
      yields: "records",
      options: NONE,
      create: (connector) => new SqliteExtractor(connector),
    },
  },
  loaders: {
    SqliteLoader: {
      description: "Writes in one transaction: append, replace, upsert",
      modes: ["append", "replace", "upsert"],
      accepts: ["records"],
      overlaps: true,
      options: NONE,
      create: (connector) => new SqliteLoader(connector),
    },
  },
});

export { SqliteConnector, SqliteExtractor, SqliteLoader };
