/** Shell completions, computed from generated pages: a shell should not wait for the option parser. */
import type { StreamNames } from "../../config/text/stream_names.ts";
import { COMMAND_NAMES, type CommandPage, type OptionPage, readPage } from "./command_pages.ts";
import { TOPICS } from "./topics.ts";
import { escapeControls } from "../output/terminal_text.ts";

/** A word and its description. */
export interface Completion {
  readonly word: string;
  readonly about: string;
}

/** Tells the shell to complete file names itself. */
const FILES: Completion = { word: ":files", about: "" };

/** Values of options whose choices the parser does not know. */
export const VALUES: Readonly<Record<string, readonly string[]>> = {
  "--mode": ["append", "replace", "upsert", "scd2"],
  "--format": ["parquet", "csv", "tsv", "json", "jsonl", "arrow"],
};

/** Reads names from files; each function throws when it cannot. */
export interface NameReaders {
  /** Stream names and tags of a pipeline file. */
  streams(path: string): Promise<StreamNames>;
  /** Names of the connections of the project in the current folder. */
  connections(): Promise<readonly string[]>;
}

/**
 * Completions of the last word, which may be empty.
 *
 * @param words all words after `dxt`
 */
export async function complete(
  words: readonly string[],
  names: NameReaders,
): Promise<Completion[]> {
  const current = words.at(-1) ?? "";
  if (words.length <= 1) {
    const commands = COMMAND_NAMES.map((word) => ({ word, about: readPage(word)!.brief }));
    const options = [{ word: "--help", about: "Show help" }, { word: "--version", about: "" }];
    return startingWith(current, current.startsWith("-") ? options : commands);
  }
  const page = readPage(words[0]!);
  if (page === undefined) return [];
  const joined = /^(--[^=]+)=(.*)$/s.exec(current);
  const name = joined?.[1] ?? words.at(-2)!;
  const option = page.options.find(({ names }) => names.includes(name));
  if (option?.value !== undefined) {
    const prefix = joined === null ? "" : `${name}=`;
    const values = await completeValue(option, joined?.[2] ?? current, words, names);
    return values.map(({ word, about }) => ({ word: prefix + word, about }))
      .map((found) => found.word === prefix + FILES.word ? FILES : found);
  }
  if (current.startsWith("-")) return startingWith(current, optionWords(page));
  return await completeOperand(words, names);
}

async function completeValue(
  option: OptionPage,
  current: string,
  words: readonly string[],
  names: NameReaders,
): Promise<Completion[]> {
  const { value, choices = VALUES[option.names[0]!] } = option;
  if (choices !== undefined) {
    return startingWith(current, choices.map((word) => ({ word, about: "" })));
  }
  if (option.names.includes("--select") || option.names.includes("--exclude")) {
    return completeSelector(current, await streamNames(words, names));
  }
  if (value === "CONNECTION") return await completeConnection(current, names);
  return value === "FILE" ? [FILES] : [];
}

/** Completes the last element of a selector; all before its last comma is kept. */
function completeSelector(current: string, { ids, tags }: StreamNames): Completion[] {
  const elements = current.slice(0, current.lastIndexOf(",") + 1);
  const plus = current.lastIndexOf("+") + 1;
  const prefix = current.startsWith("tag:", elements.length) && plus > elements.length
    ? current.slice(0, plus)
    : elements;
  const isTag = prefix !== elements;
  const found = isTag ? tags.map((tag) => ({ word: tag, about: "tag" })) : [
    ...ids.map((word) => ({ word, about: "stream" })),
    ...tags.map((tag) => ({ word: `tag:${tag}`, about: "tag" })),
  ];
  return startingWith(current, found.map(({ word, about }) => ({ word: prefix + word, about })));
}

async function completeOperand(
  words: readonly string[],
  names: NameReaders,
): Promise<Completion[]> {
  const [command, ...rest] = words;
  const current = rest.at(-1)!;
  if (command === "completions") {
    return startingWith(current, ["bash", "zsh", "fish", "powershell"].map(withoutDescription));
  }
  if (command === "docs") {
    const topics = Object.entries(TOPICS).map(([word, { about }]) => ({ word, about }));
    return startingWith(current, topics);
  }
  if (command === "operators") return startingWith(current, [withoutDescription("list")]);
  if (command === "schema") return [];
  if (command === "head" && findPipeline(rest.slice(0, -1)) !== undefined) {
    const { ids } = await streamNames(words, names);
    return startingWith(current, ids.map((word) => ({ word, about: "stream" })));
  }
  const takesConnection = command === "discover" || command === "head";
  return takesConnection && rest.length === 1 ? await completeConnection(current, names) : [FILES];
}

/** Names of connections, and files, which are also accepted. */
async function completeConnection(current: string, names: NameReaders): Promise<Completion[]> {
  const found = (await names.connections()).map((word) => ({ word, about: "connection" }));
  return [...startingWith(current, found), FILES];
}

const withoutDescription = (word: string): Completion => ({ word, about: "" });

function optionWords({ options }: CommandPage): Completion[] {
  return options.map(({ names, description }) => ({
    word: names.find((name) => name.startsWith("--")) ?? names[0]!,
    about: description,
  }));
}

function startingWith(current: string, found: readonly Completion[]): Completion[] {
  return found.filter(({ word }) => word.startsWith(current));
}

function findPipeline(words: readonly string[]): string | undefined {
  return words.find((word) => /\.ya?ml$/i.test(word));
}

async function streamNames(
  words: readonly string[],
  names: NameReaders,
): Promise<StreamNames> {
  const path = findPipeline(words.slice(0, -1));
  return path === undefined ? { ids: [], tags: [] } : await names.streams(path);
}

/** Completions for the scripts, one per line: the word, a tab, its description; none on an error. */
export async function completionLines(words: readonly string[]): Promise<string> {
  try {
    const found = await complete(words, {
      streams: async (path) => (await import("../../config/text/stream_names.ts")).readNames(path),
      connections: async () =>
        (await import("../../config/pipeline/connection_names.ts")).readConnectionNames(Deno.cwd()),
    });
    return found.map(({ word, about }) => `${escapeControls(word)}\t${escapeControls(about)}\n`)
      .map((line) => line.startsWith(FILES.word) ? `${FILES.word}\n` : line).join("");
  } catch {
    // A shell cannot show errors; `dxt validate` prints those of a pipeline.
    return "";
  }
}
