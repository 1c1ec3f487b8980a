// deno-lint-ignore-file no-console
/** Starts the services of the tests: the binary, and real servers on loopback in temporary folders. */
import { makeBinary } from "./services/binary.ts";
import { startMariaDB, startMySQL56 } from "./services/mysql.ts";
import { startPostgres } from "./services/postgres.ts";

/** A running server, and the variables that tests need to reach it. */
export interface Service {
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface Services {
  readonly env: Readonly<Record<string, string>>;
  /** Environment names of the servers that this machine cannot run, with the reason. */
  readonly missing: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** By the environment name that carries the server's URL, or the binary's path. */
const STARTERS: Readonly<Record<string, () => Promise<Service>>> = {
  DXT_TEST_POSTGRES_15: () => startPostgres(15, "DXT_TEST_POSTGRES_15"),
  DXT_TEST_POSTGRES_18: () => startPostgres(18, "DXT_TEST_POSTGRES_18"),
  DXT_TEST_MARIADB: () => startMariaDB("DXT_TEST_MARIADB"),
  DXT_TEST_MYSQL_56: () => startMySQL56("DXT_TEST_MYSQL_56"),
  DXT_TEST_BINARY: () => makeBinary("DXT_TEST_BINARY"),
};

/** Environment names of all services. */
export const SERVICES: readonly string[] = Object.keys(STARTERS);

/** Starts every server that this machine can run, or those of `names`; a missing one is not an error. */
export async function startServices(names = SERVICES): Promise<Services> {
  const started: Service[] = [];
  const missing: Record<string, string> = {};
  await Promise.all(
    names.map(async (name) => {
      try {
        started.push(await STARTERS[name]!());
      } catch (error) {
        missing[name] = error instanceof Error ? error.message : String(error);
      }
    }),
  );
  return {
    env: Object.assign({}, ...started.map(({ env }) => env)),
    missing,
    async stop() {
      await Promise.all(started.map((service) => service.stop()));
    },
  };
}

if (import.meta.main) {
  const services = await startServices();
  for (const [name, value] of Object.entries(services.env)) console.log(`${name}=${value}`);
  for (const [name, reason] of Object.entries(services.missing)) {
    console.error(`${name} is missing: ${reason}`);
  }
  await new Promise<void>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, resolve);
  });
  await services.stop();
  Deno.exit(0);
}
