/** `dxt docs`: lists the pages of the documentation, prints one, or searches them. */
import { argument, merge, message, object, optional, string } from "optique";
import { suggestWord } from "../../core/did_you_mean.ts";
import { ConfigurationError } from "../../core/errors.ts";
import type { Context } from "../app/context.ts";
import { defineCommand } from "../app/define_command.ts";
import * as options from "../app/options.ts";
import { listHeadings, renderPage } from "../help/render_page.ts";
import { TOPICS } from "../help/topics.ts";
import { hasColor } from "../terminal/color.ts";
import { EXIT } from "../terminal/exit_codes.ts";

const parser = merge(
  object({
    topic: optional(argument(string({ metavar: "TOPIC" }), {
      description: message`Page to print (default: list all pages)`,
    })),
  }),
  object("Options", {
    search: options.textOption(
      "--search",
      "WORD",
      message`List the headings of sections that contain this text`,
    ),
    ...options.outputOptions(),
  }),
);

export const docs = defineCommand(
  "docs",
  parser,
  async ({ topic, search, color }, context) => {
    if (search !== undefined) await printMatches(search, topic, context);
    else if (topic === undefined) printTopics(context);
    else await printPage(topic, color, context);
    return EXIT.done;
  },
  {
    operands: "[TOPIC]",
    brief: message`Print a page of the documentation, or list its pages`,
    description:
      message`The pages are part of dxt and need no network. On a terminal a page is formatted, elsewhere it is Markdown.`,
    examples: ["dxt docs postgres", "dxt docs --search watermark", "dxt docs types > types.md"],
  },
);

const COLUMNS = ["topic", "about"].map((title) => ({ title }));

function printTopics({ printer }: Context): void {
  const entries = Object.entries(TOPICS).map(([topic, { about }]) => ({ topic, about }));
  printer.results({
    name: "topics",
    entries,
    about: {},
    table: () =>
      printer.table(COLUMNS, entries.map(({ topic, about }) => [{ text: topic }, { text: about }])),
  });
}

async function loadPage(topic: string): Promise<string> {
  if (!Object.hasOwn(TOPICS, topic)) {
    const known = Object.keys(TOPICS);
    const hint = suggestWord(topic, known) || `, known are ${known.join(", ")}`;
    throw new ConfigurationError(`Unknown topic "${topic}"${hint}`);
  }
  return (await TOPICS[topic]!.load()).default;
}

async function printPage(
  topic: string,
  color: Parameters<typeof hasColor>[2],
  { io, printer }: Context,
): Promise<void> {
  const page = await loadPage(topic);
  if (printer.format !== "text") return printer.json({ topic, markdown: page });
  if (!io.stdout.isTerminal) return printer.document(page.trimEnd());
  const { columns } = io.stdout;
  printer.document(
    renderPage(page, {
      columns,
      isColored: hasColor(io.env, io.stdout, color),
      path: TOPICS[topic]!.path,
    }),
  );
}

/** Prints the headings below which the text occurs, of one topic or of all. */
async function printMatches(
  text: string,
  topic: string | undefined,
  { printer }: Context,
): Promise<void> {
  const topics = topic === undefined ? Object.keys(TOPICS) : [topic];
  const entries = (await Promise.all(
    topics.map(async (topic) =>
      listHeadings(await loadPage(topic), text).map((heading) => ({ topic, heading }))
    ),
  )).flat();
  if (entries.length === 0) printer.warning(`No page contains the text "${text}"`);
  printer.results({
    name: "matches",
    entries,
    about: {},
    table: () => {
      if (entries.length === 0) return;
      printer.table(
        ["topic", "heading"].map((title) => ({ title })),
        entries.map(({ topic, heading }) => [{ text: topic }, { text: heading }]),
      );
    },
  });
}
