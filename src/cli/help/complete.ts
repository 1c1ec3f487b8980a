/** What may come next on a command line, told without the parser of the options. */
import type { StreamNames } from "../../config/text/stream_names.ts";
import type { CommandPage, OptionPage } from "./command_pages.ts";
import { escapeControls } from "../output/terminal_text.ts";
import { PAGES } from "./command_pages.gen.ts";

/** A word and what it means; `:files` stands for the files that the shell knows. */
export interface Completion {
  readonly word: string;
  readonly about: string;
}

const FILES: Completion = { word: ":files", about: "" };

/**
 * Completions of the last word, which may be empty.
 *
 * @param words what follows `dxt`
 * @param namesOf reads a pipeline's names; throws when it cannot
 */
export async function complete(
  words: readonly string[],
  namesOf: (path: string) => Promise<StreamNames>,
): Promise<Completion[]> {
  const current = words.at(-1) ?? "";
  if (words.length <= 1) {
    const commands = Object.entries(PAGES).map(([word, { brief }]) => ({ word, about: brief }));
    const options = [{ word: "--help", about: "Show help" }, { word: "--version", about: "" }];
    return startingWith(current, current.startsWith("-") ? options : commands);
  }
  const page = Object.hasOwn(PAGES, words[0]!) ? PAGES[words[0]!] : undefined;
  if (page === undefined) return [];
  const joined = /^(--[^=]+)=(.*)$/s.exec(current);
  const name = joined?.[1] ?? words.at(-2)!;
  const option = page.options.find(({ names }) => names.includes(name));
  if (option?.value !== undefined) {
    const prefix = joined === null ? "" : `${name}=`;
    const values = await valuesOf(option, joined?.[2] ?? current, words, namesOf);
    return values.map(({ word, about }) => ({ word: prefix + word, about }))
      .map((found) => found.word === prefix + FILES.word ? FILES : found);
  }
  if (current.startsWith("-")) return startingWith(current, optionWords(page));
  return await operandsOf(words, namesOf);
}

async function valuesOf(
  { names, choices, value }: OptionPage,
  current: string,
  words: readonly string[],
  namesOf: (path: string) => Promise<StreamNames>,
): Promise<Completion[]> {
  if (choices !== undefined) {
    return startingWith(current, choices.map((word) => ({ word, about: "" })));
  }
  if (names.includes("--select") || names.includes("--exclude")) {
    return selectors(current, await streamNames(words, namesOf));
  }
  return value === "FILE" ? [FILES] : [];
}

/** A selector is a list: what comes before its last comma stays. */
function selectors(current: string, { ids, tags }: StreamNames): Completion[] {
  const before = current.slice(0, current.lastIndexOf(",") + 1);
  const plus = current.lastIndexOf("+") + 1;
  const taken = current.startsWith("tag:", before.length) && plus > before.length
    ? current.slice(0, plus)
    : before;
  const isTag = taken !== before;
  const found = isTag ? tags.map((tag) => ({ word: tag, about: "tag" })) : [
    ...ids.map((word) => ({ word, about: "stream" })),
    ...tags.map((tag) => ({ word: `tag:${tag}`, about: "tag" })),
  ];
  return startingWith(current, found.map(({ word, about }) => ({ word: taken + word, about })));
}

async function operandsOf(
  words: readonly string[],
  namesOf: (path: string) => Promise<StreamNames>,
): Promise<Completion[]> {
  const [command, ...rest] = words;
  const current = rest.at(-1)!;
  if (command === "completions") {
    return startingWith(current, ["bash", "zsh", "fish", "powershell"].map(named));
  }
  if (command === "operators") return startingWith(current, [named("list")]);
  if (command === "schema") return [];
  if (command === "head" && pipelineOf(rest.slice(0, -1)) !== undefined) {
    const { ids } = await streamNames(words, namesOf);
    return startingWith(current, ids.map((word) => ({ word, about: "stream" })));
  }
  return [FILES];
}

const named = (word: string): Completion => ({ word, about: "" });

function optionWords({ options }: CommandPage): Completion[] {
  return options.map(({ names, description }) => ({
    word: names.find((name) => name.startsWith("--")) ?? names[0]!,
    about: description,
  }));
}

function startingWith(current: string, found: readonly Completion[]): Completion[] {
  return found.filter(({ word }) => word.startsWith(current));
}

function pipelineOf(words: readonly string[]): string | undefined {
  return words.find((word) => /\.ya?ml$/i.test(word));
}

async function streamNames(
  words: readonly string[],
  namesOf: (path: string) => Promise<StreamNames>,
): Promise<StreamNames> {
  const path = pipelineOf(words.slice(0, -1));
  return path === undefined ? { ids: [], tags: [] } : await namesOf(path);
}

/** A line for each completion: the word, a tab, what it means. A pipeline that is wrong has none. */
export async function completionLines(words: readonly string[]): Promise<string> {
  const namesOf = async (path: string) => {
    const { readNames } = await import("../../config/text/stream_names.ts");
    return await readNames(path);
  };
  try {
    const found = await complete(words, namesOf);
    return found.map(({ word, about }) => `${escapeControls(word)}\t${escapeControls(about)}\n`)
      .map((line) => line.startsWith(FILES.word) ? `${FILES.word}\n` : line).join("");
  } catch {
    // A shell has no place for errors; validate tells what is wrong with a pipeline.
    return "";
  }
}
