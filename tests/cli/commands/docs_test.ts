import assert from "node:assert/strict";
import { TOPICS } from "../../../src/cli/help/topics.ts";
import { renderPage } from "../../../src/cli/help/render_page.ts";
import { displayWidth } from "../../../src/cli/output/terminal_text.ts";
import { complete } from "../../../src/cli/help/complete.ts";
import { dxt, fakeIO } from "../fakes.ts";

Deno.test("dxt docs lists every topic with its contents", async () => {
  const { code, out, err } = await dxt("docs");
  assert.deepEqual([code, err], [0, ""]);
  const lines = out.trimEnd().split("\n");
  assert.match(lines[0]!, /^topic +about$/);
  assert.equal(lines.length, Object.keys(TOPICS).length + 1);
  assert.ok(lines.every((line) => line.length <= 100), out);
  const { topics } = JSON.parse((await dxt("docs --quiet")).out);
  assert.deepEqual(topics.map(({ topic }: { topic: string }) => topic), Object.keys(TOPICS));
});

Deno.test("elsewhere than on a terminal a page is Markdown, as the file has it", async () => {
  for (const [topic, { path }] of Object.entries(TOPICS)) {
    const page = await Deno.readTextFile(new URL(`../../../${path}`, import.meta.url));
    assert.equal((await dxt(`docs ${topic}`)).out, page, topic);
  }
  const { topic, markdown } = JSON.parse((await dxt("docs postgres --output json")).out);
  assert.equal(topic, "postgres");
  assert.match(markdown, /^# PostgreSQL\n/);
});

Deno.test("on a terminal text and tables fit its width, and no markup is left", async () => {
  for (const columns of [60, 80, 200]) {
    for (const topic of Object.keys(TOPICS)) {
      const io = fakeIO({ isTerminal: true, columns, env: { NO_COLOR: "1" } });
      const { code, out } = await dxt(`docs ${topic}`, { io });
      assert.equal(code, 0);
      for (const line of out.split("\n").filter((line) => !line.startsWith("    "))) {
        assert.ok(displayWidth(line) <= columns, `${topic}, ${columns}: ${line}`);
        assert.doesNotMatch(line, /^#|^\||\*\*\w|\]\(|<!--/, `${topic}: ${line}`);
      }
    }
  }
});

Deno.test("headings are bold, code is indented, a link names its topic", () => {
  const page = `# One *two*

Text with \`code_a_*\`, **bold** text, _emphasis_,
sales.\\*, \\_tmp\\_ and
[a link](../formats/README.md#options).

<!-- generated: x -->

| A key | \`b\` |
| ----- | --- |
| 1 \\| 2 | long text that is wrapped |

<!-- end: x -->

- an item of
  two lines
- another

\`\`\`sh
dxt run   x.yaml
\`\`\`
`;
  const style = { columns: 24, isColored: true, path: "src/core/README.md" };
  assert.equal(
    renderPage(page, style),
    `\x1b[1mOne *two*\x1b[0m

Text with code_a_*, bold
text, emphasis, sales.*,
_tmp_ and a link (dxt
docs formats).

A key  b
1 | 2  long text that is
       wrapped

- an item of two lines
- another

    dxt run   x.yaml`,
  );
});

Deno.test("an unknown topic is an error that suggests the nearest one, or lists all", async () => {
  assert.deepEqual(await dxt("docs postgre"), {
    code: 2,
    out: "",
    err: 'error: Unknown topic "postgre", did you mean "postgres"\n',
  });
  assert.match((await dxt("docs oracle")).err, /^error: Unknown topic "oracle", known are start, /);
});

Deno.test("--search lists the headings below which a text occurs", async () => {
  const { code, out } = await dxt("docs --search row_security");
  assert.equal(code, 0);
  assert.match(out, /^topic +heading\npostgres +Connect\npostgres +What to know\n$/);
  assert.deepEqual((await dxt("docs mysql --search row_security")).out, "");
  assert.match((await dxt("docs --search qqq")).err, /^warning: No page contains the text "qqq"/);
});

Deno.test("topics are completed, with their contents", async () => {
  const none = {
    streams: () => Promise.resolve({ ids: [], tags: [] }),
    connections: () => Promise.resolve([]),
  };
  assert.deepEqual(await complete(["docs", "my"], none), [
    { word: "mysql", about: TOPICS["mysql"]!.about },
  ]);
  assert.equal((await complete(["docs", ""], none)).length, Object.keys(TOPICS).length);
});
