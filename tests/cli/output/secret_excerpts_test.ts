/** No command prints a secret of a file or an argument that it cannot make sense of. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ENGINE } from "../../../src/cli/app/engine.ts";
import { main } from "../../../src/cli/main.ts";
import { withFolder } from "../../support/run.ts";
import { fakeIO } from "../fakes.ts";

const HEAD = "version: 1\nname: s\n";
const REST = "target: { provider: local, path: out }\nstreams: [{ id: t, source: public.sb }]\n";
const withSource = (source: string) => `${HEAD}source: ${source}\n${REST}`;
const postgres = (more: string) =>
  withSource(`{ provider: postgres, host: h, user: u, database: d, ${more} }`);

/** Files that are wrong, with a secret where none is expected. */
const FILES: Readonly<Record<string, string>> = {
  "a mistyped key": postgres('pasword: "S3CRET"'),
  "a mistyped key without quotes": postgres("pasword: S3CRET"),
  "a mistyped key with a number": postgres("pasword: 9473625143"),
  "a mistyped key with words": postgres('pswrd: "my S3CRET, and more"'),
  "a key of another system": postgres("sasl_pw: S3CRET"),
  "a secret as a list": postgres("password: [S3CRET]"),
  "a secret as a mapping": postgres("password: { value: S3CRET }"),
  "a mistyped key in a block": withSource(
    "\n  provider: postgres\n  host: h\n  user: u\n  database: d\n  passwort: S3CRET",
  ),
  "text of several lines": withSource(
    "\n  provider: postgres\n  host: h\n  pasword: |\n    S3CRET\n    more",
  ),
  "a default of a variable": postgres('pasword: "${NOBODY:-S3CRET}"'),
  "a mistyped provider": withSource("{ provider: postgrse, pw: S3CRET }"),
  "an unknown connection": withSource('"u:S3CRET@h/d"'),
  "a URL that does not parse": withSource('"postgres://u:S3CRET/x@@[::/d"'),
  "a URL of an unknown scheme": withSource('"postgre://u:S3CRET@h/d"'),
  "a URL with one slash": withSource('"postgres:/u:S3CRET@h/d"'),
  "a URL with a blank": withSource('"postgres://u:my S3CRET@h/d"'),
  "a URL's mistyped parameter": withSource('"postgres://u@h/d?pasword=S3CRET"'),
  "a key with a URL": withSource('{ url: "postgres://u:S3CRET/x@@[::/d" }'),
  "a connection's URL": withSource('{ connection: "postgres://u:S3CRET/x@@[::/d", portt: 1 }'),
  "a quote that is not closed": postgres('pasword: "S3CRET'),
  "a value that cannot start so": postgres("pasword: @S3CRET"),
  "a tab": withSource("\n\tpasword: S3CRET"),
  "a tab and a comma": withSource("\n  host: h\n\tpasword: a,S3CRET"),
  "an indentation": withSource("\n    provider: postgres\n  pasword: S3CRET"),
  "a second colon": withSource("\n  provider: postgres\n  pasword: x: S3CRET"),
  "a mistyped key beside a bracket": postgres("pasword: S3CRET, x: ]"),
  "options of a class": `${HEAD}source: { provider: local, path: . }\n${
    REST.replace("}]", ", loader: { class: dxt.providers.local.X, config: { pw: S3CRET } } }]")
  }`,
  "an older shape":
    `${HEAD}pipeline:\n  source: { type: postgres, config: { pasword: S3CRET } }\n  nothing: 1\n`,
};

const COMMANDS = [["validate"], ["list"], ["run"], ["run", "--verbose"], ["run", "--quiet"]];

for (const [name, text] of Object.entries(FILES)) {
  Deno.test(`no command shows the secret of ${name}`, () =>
    withFolder(async (folder) => {
      const path = join(folder, "p.yaml");
      await Deno.writeTextFile(path, text);
      for (const [command, ...more] of COMMANDS) {
        const io = fakeIO();
        const code = await main([command!, path, ...more], io, ENGINE);
        const said = io.out + io.err;
        assert.doesNotMatch(said, /S3CRET|9473625143/, `${command}: ${said}`);
        const parses = name === "a URL with a blank" && command === "validate";
        if (command !== "list" && !parses) assert.notEqual(code, 0, said);
      }
    }));
}

Deno.test("no command shows the secret of a connection in a project's file", () =>
  withFolder(async (folder) => {
    const path = join(folder, "p.yaml");
    await Deno.writeTextFile(path, withSource("shop"));
    for (
      const connection of [
        ...['{ provider: postgres, host: h, pasword: "S3CRET" }', '"postgres://u:S3CRET/x@@[::/d"'],
        ...["{ provider: postgres, pw: S3CRET, url: [] }", "{ provider: nobody, pw: S3CRET }"],
      ]
    ) {
      const project = `version: 1\nconnections:\n  shop: ${connection}\nunknown: 1\n`;
      for (const text of [project, project.replace("unknown: 1\n", "")]) {
        await Deno.writeTextFile(join(folder, "dxt_project.yaml"), text);
        const io = fakeIO();
        assert.notEqual(await main(["validate", path], io, ENGINE), 0);
        assert.doesNotMatch(io.out + io.err, /S3CRET/);
      }
    }
  }));

/** Arguments that make no sense. */
const ARGUMENTS: readonly (readonly string[])[] = [
  ["run", "p.yaml", "--var", "postgres://u:S3CRET@h/d"],
  ["run", "p.yaml", "--var", "S3CRET"],
  ["run", "p.yaml", "--var", "=S3CRET"],
  ["run", "p.yaml", "--var=S3CRET"],
  ["list", "p.yaml", "--var", "S3CRET"],
  ["validate", "p.yaml", "--var", "=S3CRET"],
  ["init", "--var", "S3CRET"],
  ["run", "p.yaml", "--password=S3CRET"],
  ["run", "p.yaml", "postgres://u:S3CRET@h/d"],
  ["postgres://u:S3CRET@h/d"],
  ["run", "--from", "postgres://u:S3CRET/x@@[::/d", "--to", "local:out", "--source", "t"],
  ["discover", "postgres://u:S3CRET/x@@[::/d"],
  ["discover", "postgre://u:S3CRET@h/d"],
  ["head", "postgres://u:S3CRET/x@@[::/d", "t"],
  ["init", "--from", "postgre://u:S3CRET@h/d"],
  ["completions", "--words", "run", "--from", "postgres://u:S3CRET@h/d"],
];

for (const args of ARGUMENTS) {
  Deno.test(`no secret is shown of: ${args.join(" ")}`, async () => {
    const io = fakeIO();
    await main(args, io, ENGINE);
    assert.doesNotMatch(io.out + io.err, /S3CRET/);
  });
}

Deno.test("an excerpt shows where a connection leads, and masks the rest of it", () =>
  withFolder(async (folder) => {
    const path = join(folder, "p.yaml");
    await Deno.writeTextFile(path, postgres('pasword: "S3CRET", port: 5432'));
    const io = fakeIO();
    await main(["validate", path], io, ENGINE);
    assert.match(
      io.err,
      /source: \{ provider: postgres, host: h, user: u, database: d, pasword: \*\*\*, port: 5432 \}\n/,
    );
  }));
