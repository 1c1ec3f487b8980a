/** What the pages of the documentation say, checked: links, commands, options, pipelines and code. */
import assert from "node:assert/strict";
import { dirname, join, normalize } from "node:path";
import { parse } from "yaml";
import { NAMES } from "../src/cli/command_table.ts";
import { EXIT } from "../src/cli/terminal/exit_codes.ts";
import { TOPICS } from "../src/cli/help/topics.ts";
import { main } from "../src/cli/main.ts";
import { dxt, fakeIO } from "./cli/fakes.ts";
import { freshDatabase, postgresTest } from "./support/services.ts";
import { withFolder } from "./support/run.ts";
import { ignoreIf } from "./support/ignore.ts";
import { codeBlocks, type Page, readPages, ROOT, writeFiles } from "./support/pages.ts";

const PAGES = await readPages();
const README = PAGES.find(({ path }) => path === "README.md")!.text;

function block(language: string): string {
  const found = codeBlocks(README).find((one) => one.language === language);
  assert.ok(found !== undefined, `no ${language} in README.md`);
  return found.text;
}

/** Lines without their sizes, rates and times, spaces between columns as one. */
function timeless(text: string): string[] {
  return text.trimEnd().split("\n").map((line) =>
    line.trimEnd().replace(/ {2,}/g, " ").replace(/[\d.]+ \w*B [\d,]+ [\d.]+ m?s/, "SIZE RATE TIME")
  );
}

const server = postgresTest(18);

Deno.test({
  ...ignoreIf(server.missing, "the first pipeline prints what README.md shows"),
  fn: () =>
    withFolder(async (folder) => {
      await using database = await freshDatabase(server.url);
      await database.sql(`
        CREATE TABLE orders (order_id int PRIMARY KEY, updated_at timestamp);
        INSERT INTO orders SELECT i, timestamp '2026-03-01 05:59:58.120034' - i * interval '1 min'
          FROM generate_series(0, 1203) AS i;
        CREATE TABLE customers AS SELECT i AS id FROM generate_series(1, 310) AS i`);
      const path = join(folder, "shop.yaml");
      await Deno.writeTextFile(path, block("yaml"));
      const io = fakeIO({ env: { SHOP_URL: database.url } });
      assert.equal(await main(["run", path], io), 0, io.err);
      const [command, ...shown] = timeless(block("text"));
      assert.equal(command, "$ dxt run shop.yaml");
      assert.deepEqual(timeless(io.out), shown);
    }),
});

Deno.test("README.md is the first screen: at most 200 lines", () => {
  assert.ok(README.split("\n").length <= 201, `${README.split("\n").length - 1} lines`);
});

Deno.test("README.md names every provider, and the tasks that a user needs", async () => {
  const { REGISTRY } = await import("../src/providers/registry.ts");
  for (const name of Object.keys(REGISTRY)) {
    assert.match(README, new RegExp(`^\\| \\[\`${name}\`\\]`, "m"));
  }
  for (const name of ["start", "test"]) {
    assert.ok(README.includes(`npx -y deno@2.9.6 task ${name}`), name);
  }
});

Deno.test("every page of the documentation is a topic, with a title of its own", () => {
  const topics = new Set(Object.values(TOPICS).map(({ path }) => path));
  const inner = PAGES.filter(({ path }) => !topics.has(path)).map(({ path }) => path);
  assert.deepEqual(inner, [
    "src/README.md",
    "src/providers/README.md",
    "src/providers/relational/README.md",
    "src/providers/transport/README.md",
    "tests/reliability/README.md",
  ], "pages for developers of dxt");
  const titles = PAGES.map(({ text }) => text.split("\n")[0]!);
  assert.deepEqual(titles.filter((title) => !/^# \S/.test(title)), []);
  assert.equal(new Set(titles).size, titles.length, titles.join());
});

Deno.test("every generated block of a page has a topic's page, which deno task gen writes", () => {
  const written = new Set(Object.values(TOPICS).map(({ path }) => path));
  const marked = PAGES.filter(({ text }) => text.includes("<!-- generated: "));
  assert.ok(marked.length >= 5);
  assert.deepEqual(marked.filter(({ path }) => !written.has(path)), []);
  const empty = marked.filter(({ text }) => /<!-- generated: .+ -->\n(?!\n\S)/.test(text));
  assert.deepEqual(empty.map(({ path }) => path), []);
});

/** The anchor that a heading gets on a page. */
function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
}

Deno.test("every link leads to a file, and to a heading of it", async () => {
  const wrong: string[] = [];
  for (const { path, text } of PAGES) {
    const prose = text.replaceAll(/^ *```[^]*?^ *```$/gm, "");
    for (const [, link] of prose.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file, anchor] = link!.split("#") as [string, string | undefined];
      const to = file === "" ? path : normalize(join(dirname(path), file));
      const exists = await Deno.stat(join(ROOT, to)).then(() => true, () => false);
      const page = PAGES.find((one) => one.path === to)?.text ?? "";
      const anchors = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
      if (!exists || anchor !== undefined && !anchors.includes(anchor)) {
        wrong.push(`${path}: ${link}`);
      }
    }
  }
  assert.deepEqual(wrong, []);
});

/** Pages that a page links to. */
function findLinkedPages({ path, text }: Page): Page[] {
  const links = new Set(
    [...text.matchAll(/\]\((?!https?:)([^)\s#]+)/g)].map(([, link]) =>
      normalize(join(dirname(path), link!))
    ),
  );
  return PAGES.filter((page) => links.has(page.path));
}

Deno.test("every page is at most two links away from README.md", () => {
  const first = findLinkedPages({ path: "README.md", text: README });
  const near = new Set([...first, ...first.flatMap(findLinkedPages)]);
  const far = PAGES.filter((page) => page.path !== "README.md" && !near.has(page));
  assert.deepEqual(far.map(({ path }) => path), []);
});

/** What a page says to run: lines of shell blocks, and code within text. */
function commandsOf(text: string): string[] {
  const lines = codeBlocks(text).filter(({ language }) =>
    ["sh", "console", "text", "yaml", "ini", "python"].includes(language)
  ).flatMap((block) => block.text.replaceAll("\\\n", " ").split("\n"));
  const prose = text.replaceAll(/^ *```[^]*?^ *```$/gm, "");
  const inline = [...prose.matchAll(/`([^`]+)`/g)].map(([, code]) => code!.replaceAll("\n", " "));
  return [...lines, ...inline];
}

/** Options of other programs that pages name alone: of the parser, and of V8. */
const OTHERS = new Set(["--help", "--trace-opt", "--single-threaded-gc"]);

Deno.test("every command, option and task that a page names exists", async () => {
  const helps = new Map(
    await Promise.all(
      NAMES.map(async (name) => [name, (await dxt(`${name} --help`)).out] as const),
    ),
  );
  const all = [...helps.values()].join("\n");
  const { tasks } = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json")));
  const wrong: string[] = [];
  for (const { path, text } of PAGES) {
    for (const line of commandsOf(text)) {
      for (
        const [, name, rest] of line.matchAll(/(?:^|[ /(;&|"'])dxt ([a-z]+(?:-[a-z]+)*)\b([^;|]*)/g)
      ) {
        const help = name === "help" ? "" : helps.get(name!);
        if (help === undefined && /^ *(\$ )?dxt /.test(line)) wrong.push(`${path}: dxt ${name}`);
        if (help === undefined) continue;
        for (const [option] of rest!.matchAll(/(?<=[ \[])--[a-z-]+/g)) {
          if (option !== "--help" && !help.includes(`${option}`)) {
            wrong.push(`${path}: dxt ${name} ${option}`);
          }
        }
      }
      const option = /^--[a-z-]+/.exec(line)?.[0];
      const isKnown = option === undefined || OTHERS.has(option) || all.includes(option);
      if (!isKnown) {
        wrong.push(`${path}: ${option}`);
      }
      for (const [, task] of line.matchAll(/\b(?:deno(?:@[\d.]+)?) task (\w+)/g)) {
        if (!(task! in tasks)) wrong.push(`${path}: deno task ${task}`);
      }
    }
  }
  assert.deepEqual([...new Set(wrong)], []);
});

Deno.test("the page on commands lists every exit code and no other", () => {
  const { text } = PAGES.find(({ path }) => path === "src/cli/README.md")!;
  const table = /## Exit codes\n([^]*?)\n## /.exec(text)![1]!;
  const listed = [...table.matchAll(/^\| ([\d, ]+?) +\|/gm)].flatMap(([, codes]) =>
    codes!.split(", ").map(Number)
  );
  assert.deepEqual(listed, Object.values(EXIT));
});

Deno.test("every provider has a page, with the same sections as the others", async () => {
  const { REGISTRY } = await import("../src/providers/registry.ts");
  for (const [name, { category }] of Object.entries(REGISTRY)) {
    const path = `src/providers/${category}/${name}/README.md`;
    assert.equal(TOPICS[name]?.path, path);
    const { text } = PAGES.find((page) => page.path === path)!;
    for (const table of ["connection", "classes"]) {
      assert.ok(text.includes(`<!-- generated: ${table} of ${name} -->`), `${path}: ${table}`);
    }
    for (const section of ["Connect", "What to know"]) {
      assert.match(text, new RegExp(`^## ${section}$`, "m"), path);
    }
  }
});

Deno.test("every message of the page on troubleshooting is one that dxt prints", async () => {
  const { text } = PAGES.find(({ path }) => path === "src/core/README.md")!;
  let sources = "";
  for await (const path of sourceFiles(join(ROOT, "src"))) sources += await Deno.readTextFile(path);
  // As messages read: without what is inserted, and with quotes as they are printed.
  const messages = sources.replaceAll(/\$\{[^{}]*\}/g, "…").replaceAll(/\\(["'`])/g, "$1");
  const wrong = [...text.matchAll(/^\| `([^`]+)` +\|/gm)].flatMap(([, message]) =>
    message!.split("…").map((part) => part.trim()).filter((part) => part.length > 2)
      .filter((part) => !messages.includes(part))
  );
  assert.deepEqual(wrong, []);
});

async function* sourceFiles(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* sourceFiles(join(folder, name));
    else if (name.endsWith(".ts")) yield join(folder, name);
  }
}

/** Values of the variables that pipelines of pages read. */
const VARIABLES: Record<string, string> = {
  SHOP_URL: "postgres://me@localhost/shop",
  CRM_URL: "mysql://me@localhost/crm",
  WAREHOUSE_URL: "postgres://me@localhost/warehouse",
  WAREHOUSE: "w.db",
  API_TOKEN: "t",
  TENANT: "one",
  DB_PASSWORD: "secret",
  RECEIPT_KEY: "a secret of receipts",
};

const SKELETON = { version: 1, name: "page", source: "sqlite:a.db", target: "sqlite:b.db" };

const STREAM = { id: "one", source: "one" };

/** A whole file around a part of a pipeline: a list of streams, keys of the file, or keys of a stream. */
function wholeFile(part: unknown): { readonly name: string; readonly content: unknown } {
  if (Array.isArray(part)) return { name: "page.yaml", content: { ...SKELETON, streams: part } };
  const keys = Object.keys(part as object);
  if (keys.some((key) => ["connections", "permissions", "logging"].includes(key))) {
    return { name: "dxt_project.yaml", content: { version: 1, ...part as object } };
  }
  const ofFile = [
    "version",
    "name",
    "source",
    "target",
    "buffer",
    "defaults",
    "on_error",
    "streams",
  ];
  const isFile = keys.every((key) => ofFile.includes(key));
  const content = isFile
    ? { ...SKELETON, streams: [STREAM], ...part as object }
    : { ...SKELETON, streams: [{ ...STREAM, ...part as object }] };
  return { name: "page.yaml", content };
}

/** The project of a page is no project of its other pipelines. */
async function removeProject(folder: string): Promise<void> {
  await Deno.remove(join(folder, "dxt_project.yaml")).catch(() => {});
}

for (const { path, text } of PAGES) {
  const blocks = codeBlocks(text).filter(({ language, notRun }) =>
    language === "yaml" && notRun === undefined
  );
  if (blocks.length === 0) continue;
  Deno.test(`the pipelines of ${path} are valid`, async () => {
    for (const block of blocks) {
      await withFolder(async (folder) => {
        const { name, content } = wholeFile(
          parse(block.text.replaceAll("https://modules.example/", "./")),
        );
        await writeFiles(text, folder);
        await Deno.writeTextFile(join(folder, name), JSON.stringify(content));
        const pipeline = join(folder, "page.yaml");
        if (name === "page.yaml") await removeProject(folder);
        else await Deno.writeTextFile(pipeline, JSON.stringify({ ...SKELETON, streams: [STREAM] }));
        await Deno.copyFile(
          join(ROOT, "pipelines/providers/pages.ts"),
          join(folder, "pages.ts"),
        );
        const io = fakeIO({ env: VARIABLES });
        assert.equal(await main(["validate", pipeline], io), 0, `${block.text}\n${io.err}`);
      });
    }
  });
}
