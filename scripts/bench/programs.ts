/** The programs that dxt is compared with: path, version and installation. */
import { run } from "../services/process.ts";

/** PyPI packages with versions, installed in a virtual environment in the cache folder. */
interface Environment {
  readonly packages: readonly string[];
  /** Path of the program, relative to the environment. */
  readonly program: string;
}

export interface Wanted {
  /** The variable with its path in scripts. */
  readonly variable: string;
  /** Arguments that print its version. */
  readonly version: readonly string[];
  /** Debian package of a program on PATH, or an environment from PyPI. */
  readonly from: string | Environment;
}

const PACKAGE_VERSION = (name: string) => [
  "-c",
  `from importlib.metadata import version; print("${name}", version("${name}"))`,
];

/** By name, as in `needs` of a way. */
export const WANTED = {
  psql: { variable: "PSQL", version: ["--version"], from: "postgresql-client" },
  sqlite3: { variable: "SQLITE3", version: ["--version"], from: "sqlite3" },
  pgcopydb: { variable: "PGCOPYDB", version: ["--version"], from: "pgcopydb" },
  pgloader: { variable: "PGLOADER", version: ["--version"], from: "pgloader" },
  duckdb: {
    variable: "DUCKDB",
    version: PACKAGE_VERSION("duckdb"),
    from: { packages: ["duckdb==2.0.0"], program: "bin/python" },
  },
  connectorx: {
    variable: "CONNECTORX",
    version: PACKAGE_VERSION("connectorx"),
    from: { packages: ["connectorx==0.4.6", "pyarrow==26.0.1"], program: "bin/python" },
  },
  dlt: {
    variable: "DLT",
    version: PACKAGE_VERSION("dlt"),
    from: {
      packages: [
        "dlt[parquet,postgres,sql_database,sqlalchemy]==1.31.0",
        "adbc-driver-postgresql==1.13.0",
        "adbc-driver-sqlite==1.13.0",
        "connectorx==0.4.6",
      ],
      program: "bin/python",
    },
  },
  // The last version whose package contains the program; later ones download it.
  ingestr: {
    variable: "INGESTR",
    version: ["--version"],
    from: { packages: ["ingestr==0.15.9"], program: "bin/ingestr" },
  },
  // Likewise.
  sling: {
    variable: "SLING",
    version: ["--version"],
    from: { packages: ["sling-linux-amd64==1.4.11"], program: "bin/sling" },
  },
} as const satisfies Readonly<Record<string, Wanted>>;

export type ProgramName = keyof typeof WANTED;

export type Program =
  | { readonly path: string; readonly version: string }
  | { readonly absent: string };

const NAMES = Object.keys(WANTED) as ProgramName[];

/** Finds the programs on this machine, without installing any. */
export async function findPrograms(): Promise<Record<ProgramName, Program>> {
  const found = await Promise.all(
    NAMES.map(async (name) => [name, await findProgram(name)] as const),
  );
  return Object.fromEntries(found) as Record<ProgramName, Program>;
}

async function findProgram(name: ProgramName): Promise<Program> {
  const { from, version }: Wanted = WANTED[name];
  const path = typeof from === "string" ? name : `${environmentFolder(name)}/${from.program}`;
  try {
    const said = await run(path, [...version]);
    return { path, version: /\d+(\.\d+)+/.exec(said)?.[0] ?? said.trim() };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { absent: "not installed" };
    const message = error instanceof Error ? error.message : String(error);
    return { absent: message.split("\n")[0]! };
  }
}

/** Installs absent programs where possible, and reports those that could not be installed. */
export async function installPrograms(tell: (line: string) => void): Promise<void> {
  const programs = await findPrograms();
  for (const name of NAMES) {
    if ("path" in programs[name]) continue;
    tell(`installing ${name}`);
    try {
      await install(name, WANTED[name]);
    } catch (error) {
      tell(`${name} cannot be installed: ${error instanceof Error ? error.message : error}`);
    }
  }
}

async function install(name: ProgramName, { from }: Wanted): Promise<void> {
  if (typeof from === "string") {
    await run("apt-get", ["update", "-qq"]);
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", from]);
    return;
  }
  const folder = environmentFolder(name);
  await Deno.mkdir(folder, { recursive: true });
  await run("python3", ["-m", "venv", "--clear", folder]);
  await run(`${folder}/bin/pip`, [
    ...["install", "--quiet", "--disable-pip-version-check", ...from.packages],
  ]);
  if (name === "sling") await linkSling(folder);
}

/** The package contains the program under a longer name and without execute permission. */
async function linkSling(folder: string): Promise<void> {
  const site = await run(`${folder}/bin/python`, [
    ...["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
  ]);
  const program = `${site.trim()}/sling_linux_amd64/bin/sling-linux-amd64`;
  await Deno.chmod(program, 0o755);
  await Deno.symlink(program, `${folder}/bin/sling`);
}

function environmentFolder(name: ProgramName): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`;
  return `${cache}/dxt-bench/${name}`;
}
