/** The pages of the documentation, and the blocks of code in them. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

export interface Page {
  /** From the root of the project. */
  readonly path: string;
  readonly text: string;
}

export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** Why it is not tried, as `<!-- not run: … -->` before it says. */
  readonly notRun?: string;
}

/** Folders with pages of other projects, or without pages. */
const SKIPPED = new Set([".git", ".dxt", "data", "dist", "node_modules", "out"]);

/** Every Markdown file of the project. */
export async function readPages(folder = ""): Promise<Page[]> {
  const pages: Page[] = [];
  for await (const { name, isDirectory } of Deno.readDir(join(ROOT, folder))) {
    const path = folder === "" ? name : `${folder}/${name}`;
    if (isDirectory && !SKIPPED.has(name)) pages.push(...await readPages(path));
    else if (name.endsWith(".md")) {
      pages.push({ path, text: await Deno.readTextFile(join(ROOT, path)) });
    }
  }
  return pages.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** The fenced blocks of a page, without their indentation. */
export function codeBlocks(text: string): CodeBlock[] {
  const blocks = text.matchAll(
    /(?:<!-- not run: ([^>]+) -->\n+)?^( *)```(\w*)\n([^]*?)^ *```$/gm,
  );
  return [...blocks].map(([, notRun, indent, language, inside]) => ({
    language: language!,
    text: inside!.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    ...(notRun === undefined ? {} : { notRun }),
  }));
}

/** Writes the blocks of a page that begin with the name of a file, in a comment. */
export async function writeFiles(page: string, folder: string): Promise<void> {
  for (const { text } of codeBlocks(page)) {
    const name = /^(?:#|\/\/) ([\w.-]+\.\w+)\b/.exec(text)?.[1];
    if (name !== undefined) await Deno.writeTextFile(join(folder, name), text);
  }
}
