/** The pages of `dxt docs`, in the order in which it lists them. */

export interface Topic {
  /** Path of the page from the root of the project. */
  readonly path: string;
  /** Contents of the page, in one line. */
  readonly about: string;
  /** Loads its Markdown. */
  load(): Promise<{ readonly default: string }>;
}

export const TOPICS: Readonly<Record<string, Topic>> = {
  start: {
    path: "README.md",
    about: "What dxt is, and a first pipeline in five minutes",
    load: () => import("../../../README.md", { with: { type: "text" } }),
  },
  install: {
    path: "scripts/README.md",
    about: "Release, build from source, container, restricted binary",
    load: () => import("../../../scripts/README.md", { with: { type: "text" } }),
  },
  postgres: {
    path: "src/providers/relational/postgres/README.md",
    about: "PostgreSQL as a source and a target",
    load: () => import("../../providers/relational/postgres/README.md", { with: { type: "text" } }),
  },
  mysql: {
    path: "src/providers/relational/mysql/README.md",
    about: "MySQL and MariaDB as a source and a target",
    load: () => import("../../providers/relational/mysql/README.md", { with: { type: "text" } }),
  },
  sqlite: {
    path: "src/providers/relational/sqlite/README.md",
    about: "SQLite database files as a source and a target",
    load: () => import("../../providers/relational/sqlite/README.md", { with: { type: "text" } }),
  },
  local: {
    path: "src/providers/filestore/local/README.md",
    about: "Files, patterns and folders on this machine",
    load: () => import("../../providers/filestore/local/README.md", { with: { type: "text" } }),
  },
  http: {
    path: "src/providers/filestore/http/README.md",
    about: "Files behind HTTP, as a source",
    load: () => import("../../providers/filestore/http/README.md", { with: { type: "text" } }),
  },
  formats: {
    path: "src/formats/README.md",
    about: "Parquet, CSV, TSV, JSON, JSON Lines and Arrow: options and inferred types",
    load: () => import("../../formats/README.md", { with: { type: "text" } }),
  },
  types: {
    path: "src/core/values/README.md",
    about: "The types between systems, and how each system stores them",
    load: () => import("../../core/values/README.md", { with: { type: "text" } }),
  },
  pipeline: {
    path: "src/models/README.md",
    about: "The pipeline file: every key, with its default",
    load: () => import("../../models/README.md", { with: { type: "text" } }),
  },
  connections: {
    path: "src/config/README.md",
    about: "URLs, variables, secrets and the project file",
    load: () => import("../../config/README.md", { with: { type: "text" } }),
  },
  fields: {
    path: "src/transforms/README.md",
    about: "Rename, type, compute, generate and drop fields; transforms",
    load: () => import("../../transforms/README.md", { with: { type: "text" } }),
  },
  select: {
    path: "src/selector/README.md",
    about: "Run some streams of a pipeline: ids, patterns, tags",
    load: () => import("../../selector/README.md", { with: { type: "text" } }),
  },
  incremental: {
    path: "src/runner/extract/README.md",
    about: "Watermarks, late rows, backfills, several streams into one target",
    load: () => import("../../runner/extract/README.md", { with: { type: "text" } }),
  },
  schema: {
    path: "src/runner/plan/README.md",
    about: "What a plan shows, lossy conversions, a source whose columns change",
    load: () => import("../../runner/plan/README.md", { with: { type: "text" } }),
  },
  guarantees: {
    path: "src/integrity/README.md",
    about: "What holds after a failed, killed, repeated or concurrent run; retries",
    load: () => import("../../integrity/README.md", { with: { type: "text" } }),
  },
  commands: {
    path: "src/cli/README.md",
    about: "Commands, options, variables, exit codes, output",
    load: () => import("../README.md", { with: { type: "text" } }),
  },
  operations: {
    path: "src/runner/README.md",
    about: "cron, systemd, CI, containers, Airflow, Dagster; logs, signals, disk",
    load: () => import("../../runner/README.md", { with: { type: "text" } }),
  },
  troubleshooting: {
    path: "src/core/README.md",
    about: "Messages, their causes and the ways out",
    load: () => import("../../core/README.md", { with: { type: "text" } }),
  },
  security: {
    path: "src/sandbox/README.md",
    about: "Permissions of a run, limits, untrusted code, secrets",
    load: () => import("../../sandbox/README.md", { with: { type: "text" } }),
  },
  performance: {
    path: "scripts/bench/README.md",
    about: "What was measured, how to measure, what to tune",
    load: () => import("../../../scripts/bench/README.md", { with: { type: "text" } }),
  },
  modules: {
    path: "pipelines/providers/README.md",
    about: "Providers, loaders and transforms of your own, from a URL or a file",
    load: () => import("../../../pipelines/providers/README.md", { with: { type: "text" } }),
  },
  sling: {
    path: "pipelines/migration/sling.md",
    about: "Coming from Sling: its keys in dxt's words",
    load: () => import("../../../pipelines/migration/sling.md", { with: { type: "text" } }),
  },
  dlt: {
    path: "pipelines/migration/dlt.md",
    about: "Coming from dlt: its concepts in dxt's words",
    load: () => import("../../../pipelines/migration/dlt.md", { with: { type: "text" } }),
  },
  changelog: {
    path: ".github/CHANGELOG.md",
    about: "What changed",
    load: () => import("../../../.github/CHANGELOG.md", { with: { type: "text" } }),
  },
  contributing: {
    path: ".github/CONTRIBUTING.md",
    about: "Work on dxt: set up, test, write, land",
    load: () => import("../../../.github/CONTRIBUTING.md", { with: { type: "text" } }),
  },
};
