/**
 * Writes the bill of materials of a dxt binary as a CycloneDX document: the runtime and the embedded
 * packages, with their data from deno.lock. It has no timestamp and no random number, so that the
 * same sources give the same bytes. Source: https://cyclonedx.org/docs/1.6/json/
 */
import { join } from "node:path";
import { embedded, type Graph } from "./compile/graph.ts";

/** The part of deno.lock that is read. */
export interface Lock {
  readonly npm: Readonly<Record<string, { readonly integrity: string }>>;
}

export interface Program {
  readonly name: string;
  readonly version: string;
  readonly license: string;
}

/** Versions of the embedded runtime. */
export interface Runtime {
  readonly deno: string;
  readonly v8: string;
}

interface Component {
  readonly type: "application" | "framework" | "library";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
  readonly licenses?: readonly object[];
  readonly purl?: string;
}

/** @throws {Error} for a package that is not in the lock */
export async function buildSbom(
  program: Program,
  runtime: Runtime,
  graph: Graph,
  lock: Lock,
): Promise<Record<string, unknown>> {
  const keys = embedded(graph);
  const packages = await Promise.all(keys.map((key) => describeComponent(key, graph, lock)));
  const ref = (key: string) => formatPurl(graph.packages[key]!);
  const own = formatPurl(program);
  const parts = runtimeParts(runtime);
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": own,
        name: program.name,
        version: program.version,
        licenses: [parseLicence(program.license)],
        purl: own,
      },
    },
    components: [...parts, ...packages],
    dependencies: [
      {
        ref: own,
        dependsOn: [parts[0]!["bom-ref"], ...new Set(graph.imported.map(ref))].sort(),
      },
      { ref: parts[0]!["bom-ref"], dependsOn: [parts[1]!["bom-ref"]] },
      ...keys.map((key) => ({
        ref: ref(key),
        dependsOn: graph.packages[key]!.dependencies.map(ref).sort(),
      })),
    ],
  };
}

function runtimeParts({ deno, v8 }: Runtime): Component[] {
  return [
    { name: "deno", version: deno, purl: `pkg:github/denoland/deno@v${deno}`, licence: "MIT" },
    { name: "v8", version: v8, purl: `pkg:github/v8/v8@${v8}`, licence: "BSD-3-Clause" },
  ].map(({ name, version, purl, licence }) => ({
    type: "framework",
    "bom-ref": purl,
    name,
    version,
    licenses: [parseLicence(licence)],
    purl,
  }));
}

async function describeComponent(key: string, graph: Graph, lock: Lock): Promise<Component> {
  const found = graph.packages[key]!;
  const locked = lock.npm[key];
  if (locked === undefined) throw new Error(`Cannot list package "${key}": it is not in deno.lock`);
  const licence = await licenceIn(found.localPath);
  return {
    type: "library",
    "bom-ref": formatPurl(found),
    name: found.name,
    version: found.version,
    hashes: [parseHash(locked.integrity)],
    ...(licence === undefined ? {} : { licenses: [parseLicence(licence)] }),
    purl: formatPurl(found),
  };
}

/** Source: https://github.com/package-url/purl-spec/blob/main/types-doc/npm-definition.md */
function formatPurl(
  { name, version }: { readonly name: string; readonly version: string },
): string {
  return `pkg:npm/${name.split("/").map(encodeURIComponent).join("/")}@${version}`;
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  sha1: "SHA-1",
  sha256: "SHA-256",
  sha384: "SHA-384",
  sha512: "SHA-512",
};

/** `sha512-…` in base 64 as the algorithm and hexadecimal digits. */
function parseHash(integrity: string): { alg: string; content: string } {
  const [, algorithm = "", digest = ""] = /^(\w+)-(.+)$/.exec(integrity) ?? [];
  const alg = ALGORITHMS[algorithm];
  if (alg === undefined) throw new Error(`Cannot read integrity "${integrity}": unknown algorithm`);
  return { alg, content: Uint8Array.fromBase64(digest).toHex() };
}

/** One identifier of https://spdx.org/licenses or an expression of several. */
function parseLicence(text: string): object {
  const plain = text.replace(/^\((.*)\)$/, "$1");
  return / /.test(plain) ? { expression: plain } : { license: { id: plain } };
}

/** Reads the package.json of a package. */
export async function licenceIn(folder: string): Promise<string | undefined> {
  const { license } = JSON.parse(await Deno.readTextFile(join(folder, "package.json"))) as {
    license?: unknown;
  };
  return typeof license === "string" ? license : undefined;
}
