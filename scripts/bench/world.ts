/** Server, folders and variables of a bench. */
import { fileURLToPath } from "node:url";
import { startPostgres } from "../services/postgres.ts";
import type { Service } from "../services.ts";
import { familyCPU } from "./proc.ts";
import { findPrograms, type Program, type ProgramName, WANTED } from "./programs.ts";
import { type Place, shell } from "./shell.ts";

const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const BINARY = path("../../dist/dxt");

/**
 * Settings of the server. The write-ahead log is so large that no checkpoint happens during a run,
 * autovacuum is off, and connections are not encrypted. Commits are flushed to disk.
 */
const SETTINGS = [
  "fsync=on",
  "ssl=off",
  "shared_buffers=512MB",
  "max_wal_size=16GB",
  "min_wal_size=2GB",
  "checkpoint_timeout=1h",
  "autovacuum=off",
];

/**
 * Empties the target, including schemas that programs created, ends connections of killed programs,
 * and flushes to disk.
 */
const CLEAN = `
rm -rf "$OUT" "$WORK" .dxt && mkdir "$OUT" "$WORK"
sql "$TARGET" <<'SQL'
SET client_min_messages = warning;
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid();
DO $$
DECLARE name text;
BEGIN
  FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)' LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', name);
  END LOOP;
  CREATE SCHEMA public;
END $$;
CHECKPOINT;
SQL
sync`;

export interface World extends AsyncDisposable {
  readonly programs: Readonly<Record<ProgramName, Program>>;
  /** Version and settings of the server. */
  readonly server: string;
  /** Working directory and variables of all scripts. */
  readonly place: Place;
  /** Whether the binary of `deno task compile` exists. */
  readonly compiled: boolean;
  /** Empties the targets and flushes to disk. */
  clean(): Promise<void>;
  /** CPU seconds of the server and of all its connections so far. */
  serverCPU(): number | undefined;
}

/** @throws {Error} when PostgreSQL, psql or sqlite3 is missing */
export async function makeWorld(): Promise<World> {
  const programs = await findPrograms();
  for (const name of ["psql", "sqlite3"] as const) {
    const program = programs[name];
    if ("absent" in program) throw new Error(`Cannot bench without "${name}": ${program.absent}`);
  }
  const service = await startServer();
  const cwd = await Deno.makeTempDir({ prefix: "dxt-bench-" });
  try {
    const server = service.env["SERVER"]!;
    const place = { cwd, env: { ...variables(server, cwd), ...programVariables(programs) } };
    await shell(`sql "$SERVER" -c 'CREATE DATABASE bench_target'`, place);
    const pid = await shell(`sql "$SERVER" -c "SELECT pg_read_file('postmaster.pid')"`, place);
    const version = await shell(`sql "$SERVER" -c 'SHOW server_version'`, place);
    return {
      programs,
      server: `${version.trim()}, ${SETTINGS.join(" ")}`,
      place,
      compiled: await isFile(BINARY),
      clean: () => shell(CLEAN, place).then(() => {}),
      serverCPU: () => familyCPU(Number.parseInt(pid)),
      [Symbol.asyncDispose]: () => end(service, cwd),
    };
  } catch (error) {
    await end(service, cwd);
    throw error;
  }
}

async function startServer(): Promise<Service> {
  try {
    return await startPostgres(15, "SERVER", SETTINGS);
  } catch {
    return await startPostgres(18, "SERVER", SETTINGS);
  }
}

async function end(service: Service, folder: string): Promise<void> {
  await service.stop();
  await Deno.remove(folder, { recursive: true });
}

function variables(server: string, folder: string): Record<string, string> {
  const target = new URL(server);
  target.pathname = "/bench_target";
  return {
    DENO: Deno.execPath(),
    MAIN: path("../../main.ts"),
    BINARY,
    PEERS: path("./peers"),
    SERVER: server,
    TARGET: target.href,
    OUT: `${folder}/out`,
    // Other files that programs write.
    WORK: `${folder}/work`,
    // Disables telemetry of the programs.
    DO_NOT_TRACK: "1",
    DISABLE_TELEMETRY: "true",
    RUNTIME__DLTHUB_TELEMETRY: "false",
    SLING_DISABLE_TELEMETRY: "true",
    SLING_HOME_DIR: `${folder}/sling`,
  };
}

function programVariables(programs: World["programs"]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(programs).flatMap(([name, program]) =>
      "path" in program ? [[WANTED[name as ProgramName].variable, program.path]] : []
    ),
  );
}

async function isFile(path: string): Promise<boolean> {
  return await Deno.stat(path).then(({ isFile }) => isFile, () => false);
}
