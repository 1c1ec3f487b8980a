/** Formats the Markdown of a page for a terminal: plain text with bold headings and fitted tables. */
import { posix } from "node:path";
import { wrapColor } from "../terminal/color.ts";
import { formatTable } from "../output/table.ts";
import { displayWidth, wrapText } from "../output/terminal_text.ts";
import { TOPICS } from "./topics.ts";

interface PageStyle {
  readonly columns: number;
  readonly isColored: boolean;
  /** Path of the page, from which its links start. */
  readonly path: string;
}

/** Widest text, as long lines are hard to read; code and tables may use the whole terminal. */
const WIDEST_TEXT = 100;

type Block =
  | { readonly kind: "code" | "table"; readonly lines: readonly string[] }
  | { readonly kind: "heading" | "text"; readonly text: string }
  | { readonly kind: "item"; readonly text: string; readonly mark: string };

/** The page as lines for a terminal of this width, without a final line break. */
export function renderPage(markdown: string, style: PageStyle): string {
  const blocks = parseBlocks(markdown);
  return blocks.map((block, i) => {
    const isList = block.kind === "item" && blocks[i - 1]?.kind === "item";
    return (i === 0 || isList ? "" : "\n") + renderBlock(block, style);
  }).join("\n");
}

/** Headings of the sections that contain the text, ignoring case. */
export function listHeadings(markdown: string, text: string): string[] {
  const wanted = text.toLowerCase();
  const found: string[] = [];
  let heading = "";
  let isCode = false;
  for (const line of markdown.split("\n")) {
    if (line.trimStart().startsWith("```")) isCode = !isCode;
    if (!isCode) heading = /^#+ (.*)/.exec(line)?.[1] ?? heading;
    if (line.toLowerCase().includes(wanted) && found.at(-1) !== heading) found.push(heading);
  }
  return found;
}

function renderBlock(block: Block, style: PageStyle): string {
  const width = Math.min(style.columns, WIDEST_TEXT);
  switch (block.kind) {
    case "heading": {
      const text = plainText(block.text, style.path);
      return style.isColored ? wrapColor(text, "bold") : text;
    }
    case "code":
      return block.lines.map((line) => `    ${line}`.trimEnd()).join("\n");
    case "table":
      return renderTable(block.lines, style).join("\n");
    case "item": {
      const lines = wrapText(plainText(block.text, style.path), width - block.mark.length);
      const indent = " ".repeat(block.mark.length);
      return lines.map((line, i) => (i === 0 ? block.mark : indent) + line).join("\n");
    }
    case "text":
      return wrapText(plainText(block.text, style.path), width).join("\n");
  }
}

/** Splits Markdown into blocks; comments are left out. */
function parseBlocks(markdown: string): Block[] {
  const lines = markdown.replaceAll(/<!--[^]*?-->\n?/g, "").split("\n");
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length;) {
    const line = lines[at]!;
    const fence = /^( *)```/.exec(line);
    if (fence !== null) {
      const end = lines.findIndex((one, i) => i > at && one.startsWith(`${fence[1]}\`\`\``));
      const inside = lines.slice(at + 1, end < 0 ? undefined : end);
      blocks.push({ kind: "code", lines: inside.map((one) => one.slice(fence[1]!.length)) });
      at = end < 0 ? lines.length : end + 1;
    } else if (/^ *\|/.test(line)) {
      const end = lines.findIndex((one, i) => i > at && !/^ *\|/.test(one));
      blocks.push({ kind: "table", lines: lines.slice(at, end < 0 ? undefined : end) });
      at = end < 0 ? lines.length : end;
    } else if (line.trim() === "") {
      at++;
    } else {
      const heading = /^#+ (.*)/.exec(line);
      const mark = /^ *(?:[-*]|\d+\.) +/.exec(line)?.[0];
      const end = lines.findIndex((one, i) =>
        i > at && /^ *(?:$|[-*] |\d+\. |\||```|#+ )/.test(one)
      );
      const rest = heading === null ? lines.slice(at + 1, end < 0 ? undefined : end) : [];
      const text = [line.slice(mark?.length ?? 0), ...rest].map((one) => one.trim()).join(" ");
      blocks.push(
        heading !== null
          ? { kind: "heading", text: heading[1]! }
          : mark === undefined
          ? { kind: "text", text }
          : { kind: "item", text, mark },
      );
      at += 1 + rest.length;
    }
  }
  return blocks;
}

/** Inline Markdown as plain text; a link to another page names its topic. */
function plainText(text: string, path: string): string {
  return text
    .replaceAll(/\[([^\]]+)\]\(([^)]+)\)/g, (_, label: string, link: string) => {
      const page = posix.join(posix.dirname(path), link.replace(/#.*$/, ""));
      const topic = Object.keys(TOPICS).find((name) => TOPICS[name]!.path === page);
      return topic === undefined || topic === label ? label : `${label} (dxt docs ${topic})`;
    })
    .replaceAll(
      /`([^`]+)`|\*\*(.+?)\*\*|(?<![\w\\])_([^_]+)_(?!\w)|\\([*_])/g,
      (_, code, bold, emphasis, escaped) => code ?? escaped ?? plainText(bold ?? emphasis, path),
    );
}

/** Lines of a table: cells are wrapped between words; if words do not fit, each row becomes a block. */
function renderTable(lines: readonly string[], { columns, path }: PageStyle): string[] {
  const [titles, ...rows] = lines.filter((_, i) => i !== 1).map((line) =>
    line.trim().replace(/^\||\|$/g, "").split(/(?<!\\)\|/)
      .map((cell) => plainText(cell.trim().replaceAll("\\|", "|"), path))
  ) as [string[], ...string[][]];
  const longestWord = (i: number) =>
    Math.max(...rows.flatMap((row) => (row[i] ?? "").split(" ").map(displayWidth)));
  return formatTable(
    titles.map((title, i) => ({ title, wraps: true, least: longestWord(i) })),
    rows.map((row) => row.map((text) => ({ text }))),
    columns,
  );
}
