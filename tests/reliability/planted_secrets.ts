/** Secrets that are planted where a project has them, and the search for them in everything that runs leave. */
import { join } from "node:path";
import { ProcessTree } from "../../scripts/bench/proc.ts";

/** Where the secrets are planted. */
export const PLACES = [
  ...["url", "encoded url", "key", "environment", "dotenv", "env file", "argument", "default"],
  ...["project", "token", "basic", "query", "user info", "variable in SQL", "key in SQL"],
  ...["url in SQL", "receipt key", "certificate", "private key", "quoted"],
] as const;
export type SecretPlace = (typeof PLACES)[number];
export type Secrets = Readonly<Record<SecretPlace, string>>;

/** A secret for each place, which nothing else contains; some have characters that are spelled in several ways. */
export function makeSecrets(): Secrets {
  const random = () => crypto.randomUUID().replaceAll("-", "").slice(0, 16);
  const spelled: Partial<Record<SecretPlace, string>> = {
    "encoded url": `p@ss/${random()} #ö`,
    "quoted": `it's "${random()}" \\ ö`,
    "environment": `a'b${random()}`,
    "basic": `b:${random()}+/=`,
  };
  return Object.fromEntries(
    PLACES.map((place) => [place, spelled[place] ?? `s${random()}`]),
  ) as Record<SecretPlace, string>;
}

/** A secret that was found, and where. */
export interface Leak {
  readonly place: SecretPlace;
  readonly output: string;
}

/** Searches text, or bytes as text of Latin-1. */
export class SecretSearch {
  readonly #forms: readonly [SecretPlace, readonly string[]][];

  constructor(secrets: Secrets) {
    this.#forms = Object.entries(secrets).map(([place, secret]) => [
      place as SecretPlace,
      [...new Set([secret, ...spellings(secret)])].map(asLatin1),
    ]);
  }

  find(text: string | Uint8Array, output: string): Leak[] {
    const searched = typeof text === "string" ? asLatin1(text) : LATIN1.decode(text);
    return this.#forms.flatMap(([place, forms]) =>
      forms.some((form) => searched.includes(form)) ? [{ place, output }] : []
    );
  }

  /** Searches all files below a folder, without those that were there before. */
  async findInFiles(folder: string, without: ReadonlySet<string>): Promise<Leak[]> {
    const found: Leak[] = [];
    for await (const path of walk(folder)) {
      // Names may be secrets, too.
      found.push(...this.find(path, `name of ${path}`));
      if (!without.has(path)) found.push(...this.find(await Deno.readFile(path), path));
    }
    return found;
  }
}

const LATIN1 = new TextDecoder("latin1");
const asLatin1 = (text: string) => LATIN1.decode(new TextEncoder().encode(text));

/** The spellings of a secret in URLs, JSON, SQL, and the headers of HTTP. */
function spellings(secret: string): string[] {
  const bytes = new TextEncoder().encode(secret);
  return [
    ...[encodeURIComponent(secret), encodeURI(secret), JSON.stringify(secret).slice(1, -1)],
    ...[secret.replaceAll("'", "''"), bytes.toBase64(), bytes.toHex()],
    new TextEncoder().encode(`reader:${secret}`).toBase64(),
  ];
}

/** Paths of all files below a folder. */
export async function* walk(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (isDirectory) yield* walk(path);
    else yield path;
  }
}

/** Records the command lines of a process and its children until it ends, as the list of processes shows them. */
export async function watchCommandLines(
  pid: number,
  end: Promise<unknown>,
): Promise<ReadonlySet<string>> {
  const tree = new ProcessTree(pid);
  const seen = new Set<string>();
  let hasEnded = false;
  end.finally(() => hasEnded = true);
  while (!hasEnded) {
    for (const one of tree.look()) {
      try {
        seen.add(Deno.readTextFileSync(`/proc/${one}/cmdline`).replaceAll("\0", " "));
      } catch {
        // It has ended meanwhile.
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return seen;
}
