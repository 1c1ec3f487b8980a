/** Variables, `.env` files and what is masked. */
import assert from "node:assert/strict";
import { withVariableNames } from "../../src/config/text/secrets.ts";
import fc from "fast-check";
import { findSecretValues, LocatedError, parsePipeline } from "../../src/config/mod.ts";
import { parseDotenv } from "../../src/config/text/dotenv.ts";
import { Issues } from "../../src/config/text/issues.ts";
import { SourceText } from "../../src/config/text/source_text.ts";
import { z } from "zod";

const PIPELINE = `version: 1
name: p
source: sqlite:a.db
target: sqlite:b.db
streams: [{ id: a, source: t, description: TEXT }]
`;

/** What a scalar of a pipeline becomes. */
function expanded(text: string, env: Record<string, string>): string | undefined {
  const yaml = PIPELINE.replace("TEXT", () => JSON.stringify(text));
  return parsePipeline(yaml, { env }).pipeline.streams[0]!.description;
}

Deno.test("variables, defaults, messages and dollars are expanded", () => {
  const env = { A: "1", B: "two words", EMPTY: "", _X9: "x" };
  const table: Record<string, string> = {
    "${A}": "1",
    "a${A}b${B}c": "a1btwo wordsc",
    "${_X9}": "x",
    "${NO:-default}": "default",
    "${NO:-}": "",
    "${EMPTY}": "",
    "${EMPTY:-default}": "default",
    "${A:-default}": "1",
    "${NO:-${B}}": "two words",
    "${NO:-${NO:-a}-${A}}": "a-1",
    "${NO:-a}b}": "ab}",
    "${NO:-{}}": "{}",
    "${A:?is needed}": "1",
    "$$": "$",
    "$${A}": "${A}",
    "$$$${A}": "$${A}",
    "$$${A}": "$1",
    "$A $1 $ {A} $": "$A $1 $ {A} $",
    "${NO:-$$}": "$",
    "${NO:-two\nlines: - #}": "two\nlines: - #",
  };
  for (const [text, value] of Object.entries(table)) {
    assert.equal(expanded(text, env), value, text);
  }
});

Deno.test("a variable's value is one string, whatever is in it", () => {
  const yaml = `version: 1
name: p
description: \${X:-none}
source: { provider: postgres, password: "\${X:-none}", options: ["\${X:-none}", b] }
target: { provider: sqlite, path: 'x\${X:-none}y' }
streams:
  - id: a
    source: { type: sql, sql: "select \${X:-none}" }
    fields: [{ id: f, metadata: { note: "\${X:-none}", "\${X}": 1 } }]
  - id: b
    source: |
      \${X:-none}
`;
  fc.assert(fc.property(
    fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string(),
      fc.constantFrom(
        "a: b",
        "- x\n- y",
        "${X}",
        "$$",
        "*a",
        "&a b",
        "!!int 3",
        "null",
        "true",
        "5",
        "'",
        '"',
        "\n---\n",
        "{a: [",
        "# c",
        "__proto__",
      ),
    ),
    (value) => {
      const shown = value === "" ? "none" : value;
      const { pipeline, source, target } = parsePipeline(yaml, { env: { X: value } });
      assert.deepEqual({ pipeline, source: source.config, target: target.config }, {
        pipeline: {
          version: 1,
          name: "p",
          description: shown,
          source: { provider: "postgres", password: shown, options: [shown, "b"] },
          target: { provider: "sqlite", path: `x${shown}y` },
          streams: [
            {
              id: "a",
              source: { type: "sql", sql: `select ${shown}` },
              fields: [{ id: "f", metadata: { note: shown, "${X}": 1 } }],
            },
            { id: "b", source: `${shown}\n` },
          ],
        },
        source: { password: shown, options: [shown, "b"] },
        target: { path: `x${shown}y` },
      });
    },
  ));
});

Deno.test("a value that is one variable is the number or boolean that is wanted there", () => {
  const yaml = `version: 1
name: "\${N}"
source: sqlite:a.db
target: sqlite:b.db
buffer: { file_bytes: "\${N}", cleanup_on_success: "\${B}", location: "\${N}" }
streams:
  - id: "\${B}"
    source: t
    extract: { mode: incremental, watermark_field: u, initial_value: "\${N}", overlap: "\${N}" }
`;
  const { pipeline } = parsePipeline(yaml, { env: { N: "65536", B: "true" } });
  assert.equal(pipeline.name, "65536");
  assert.deepEqual(pipeline.buffer, {
    file_bytes: 65536,
    cleanup_on_success: true,
    location: "65536",
  });
  const [stream] = pipeline.streams;
  assert.equal(stream!.id, "true");
  assert.equal(stream!.extract!.initial_value, "65536");
  assert.equal(stream!.extract!.overlap, "65536");
});

Deno.test("an error about a value that has an empty variable names the variable and where it is set", () => {
  const options = {
    env: { E: "", FULL: "x" },
    envFiles: [{ path: ".env", text: "FILE=\n" }],
    vars: { GIVEN: "" },
    project: {
      path: "dxt_project.yaml",
      text: 'version: 1\nname: p\nconnections: { whole: "${E}", part: "sqlite:${E}" }',
    },
  };
  const withSource = (source: string) => PIPELINE.replace("sqlite:a.db", () => source);
  const table: Record<string, string> = {
    "${E}":
      '"source" is "${E}", expected some text; variable "E" is empty in the environment, give',
    "${FILE}": 'expected some text; variable "FILE" is empty in ".env", give it a value there',
    "${GIVEN}${FULL}":
      '"${GIVEN}${FULL}" in dxt_project.yaml: known are whole, part; variable "GIVEN"',
    "{ provider: '${E}' }": '"provider" is "${E}", expected some text; variable "E" is empty in',
    "whole": 'unknown connection "${E}" in dxt_project.yaml: known are whole, part; variable "E"',
  };
  for (const [source, message] of Object.entries(table)) {
    assert.throws(
      () => parsePipeline(withSource(source), options),
      (error) => error instanceof LocatedError && error.message.includes(message),
      source,
    );
  }
  const later = (source: string) =>
    parsePipeline(withSource(source), options).errorAt(["source", "path"], "No").message;
  const hint = /: No; variable "E" is empty in the environment, give it a value there$/m;
  assert.match(later("{ provider: sqlite, path: '${E}' }"), hint);
  assert.match(later("sqlite:${E}"), hint);
  assert.match(later("part"), hint);
  assert.match(later("sqlite:${FULL}${NO:-}"), /: No$/m);
});

Deno.test("text that is no number, or no whole variable, is not read as one", () => {
  const yaml = (value: string) =>
    PIPELINE.replace("TEXT", "x") + `buffer:\n  file_bytes: ${value}\n`;
  for (
    const [value, env] of [
      ["${N}", "65536x"],
      ["${N}", "0x10000"],
      ["${N}", "1e5"],
      ["${N}", " 65536"],
      ["${N}", "9007199254740993"],
      ["6${N}", "5536"],
      ['"65536"', ""],
    ] as const
  ) {
    assert.throws(
      () => parsePipeline(yaml(value), { env: { N: env } }),
      /7:15: "file_bytes" is .*, expected a number/,
      `${value} ${env}`,
    );
  }
});

Deno.test("another room's schema reads numbers of variables too, and only those", () => {
  const yaml = `version: 1
name: p
source: { provider: x, port: "\${PORT}", tls: "\${TLS}", password: "\${PORT}", nested: { n: "\${PORT}" } }
target: sqlite:b.db
streams: [{ id: a, source: t }]
`;
  const schema = z.strictObject({
    port: z.int(),
    tls: z.boolean().default(false),
    password: z.string(),
    nested: z.strictObject({ n: z.union([z.int(), z.null()]) }).optional(),
  });
  const loaded = parsePipeline(yaml, { env: { PORT: "5432", TLS: "true" } });
  const parsed = loaded.parseAt(["source"], schema, loaded.source.config);
  assert.deepEqual(parsed.data, {
    port: 5432,
    tls: true,
    password: "5432",
    nested: { n: 5432 },
  });
  const quoted = parsePipeline(yaml.replace('"${PORT}"', '"5432"'), {
    env: { PORT: "5432", TLS: "true" },
  });
  assert.equal(quoted.parseAt(["source"], schema, quoted.source.config).success, false);
});

Deno.test("options win over the environment, it over .env files, the first of them over the next", () => {
  const yaml = PIPELINE.replace("TEXT", '"${A} ${B} ${C} ${D}"');
  const { pipeline, variables } = parsePipeline(yaml, {
    vars: { A: "option" },
    env: { A: "env", B: "env" },
    envFiles: [
      { path: ".env", text: "A=1\nB=1\nC=near\n" },
      { path: "../.env", text: "C=far\nD=far\n" },
    ],
  });
  assert.equal(pipeline.streams[0]!.description, "option env near far");
  assert.deepEqual(Object.fromEntries(variables), { A: "option", B: "env", C: "near", D: "far" });
});

function dotenv(text: string): Record<string, string> {
  const issues = new Issues();
  const values = parseDotenv(new SourceText(".env", text, true), issues);
  issues.throwIfAny();
  return values;
}

Deno.test(".env files know comments, export, quotes and escapes", () => {
  assert.deepEqual(
    dotenv(String.raw`# a comment
A=1
  B = two words   # a comment
export C=c
	export	D=d#no comment
E=
F= # empty
G='single \n $X # "kept"'
H="double \n \t \" \\ \$X # kept"
I='two
lines'
J="two
lines" # a comment
K=a=b=c
L=it's
M=""
N=''
A=again
__proto__=x`.replaceAll("E=\n", "E=\r\n")),
    Object.fromEntries([
      ["A", "again"],
      ["B", "two words"],
      ["C", "c"],
      ["D", "d#no comment"],
      ["E", ""],
      ["F", ""],
      ["G", 'single \\n $X # "kept"'],
      ["H", 'double \n \t " \\ $X # kept'],
      ["I", "two\nlines"],
      ["J", "two\nlines"],
      ["K", "a=b=c"],
      ["L", "it's"],
      ["M", ""],
      ["N", ""],
      ["__proto__", "x"],
    ]),
  );
});

Deno.test("what is wrong in a .env file is reported without its line", () => {
  const text = 'A=1\nnonsense hunter2\nB="open\n9X=1\nC="a" hunter2\nD=\'x\n';
  assert.throws(() => dotenv(text), (error: LocatedError) => {
    assert.equal(
      error.message,
      ".env:2:1: expected NAME=value or a comment\n" +
        ".env:5:4: unexpected text after the closing quote\n" +
        ".env:6:3: the quote ' is not closed",
    );
    return true;
  });
});

Deno.test("any value survives a .env file in double quotes", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (value) => {
    const quoted = value.replace(/[\\"$]/g, "\\$&");
    assert.deepEqual(dotenv(`A="${quoted}"\nB=1\n`), { A: value, B: "1" });
  }));
});

Deno.test("secrets are the values of variables, passwords in URLs and keys that say so", () => {
  const yaml = `version: 1
name: p
source: postgres://me:s3cr%40t@host/db?sslmode=require&sslpassword=other%20one
target: { provider: x, password: in-file, port: 5432, token: "\${T}", nested: { api_key: abc } }
streams: [{ id: a, source: "\${TABLE}", description: "\${UNSET:-a default}" }]
`;
  const loaded = parsePipeline(yaml, { env: { T: "tok", TABLE: "orders", OTHER: "unused" } });
  assert.deepEqual(findSecretValues(loaded).toSorted(), [
    "abc",
    "in-file",
    "orders",
    "other one",
    "other%20one",
    "s3cr%40t",
    "s3cr@t",
    "tok",
  ]);
  const lengths = findSecretValues(loaded).map(({ length }) => length);
  assert.deepEqual(lengths, lengths.toSorted((a, b) => b - a));
});

Deno.test("a variable that is set but not used is a warning, with the name that was meant", () => {
  const yaml = PIPELINE.replace("TEXT", '"${YEARS:-all} ${REGION:-eu}"');
  const warningsOf = (vars: Record<string, string>, env: Record<string, string> = {}) =>
    parsePipeline(yaml, { env, vars }).warnings;
  assert.deepEqual(warningsOf({ YEARS: "2014" }, { UNUSED: "1" }), []);
  assert.deepEqual(warningsOf({ YERAS: "2014", REGION: "us" }), [
    'variable "YERAS" is set but not used, did you mean "YEARS"',
  ]);
  assert.deepEqual(warningsOf({ ZZZ: "s3cret" }), ['variable "ZZZ" is set but not used']);
});

Deno.test("a file that outlives a run names variables in place of their values", () => {
  const variables = new Map([["DAY", "2024-01-01"], ["KEY", "s3cr$&et"], [
    "LONG",
    "s3cr$&et-more",
  ]]);
  const source = {
    type: "sql",
    sql: "select 's3cr$&et', 's3cr$&et-more' from t where d > '2024-01-01' and k = 1",
    list: ["a://u:hunter2@h", { x: "password=hunter2" }, 1, null, true],
  };
  assert.deepEqual(withVariableNames(source, variables), {
    type: "sql",
    sql: "select '${KEY}', '${LONG}' from t where d > '${DAY}' and k = 1",
    list: ["a://***@h", { x: "password=***" }, 1, null, true],
  });
});
