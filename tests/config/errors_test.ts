/** What is wrong in a file: the place, what stands there, what is wanted. */
import assert from "node:assert/strict";
import { LocatedError, parsePipeline } from "../../src/config/mod.ts";
import { SourceText } from "../../src/config/text/source_text.ts";

/** The five lines before `streams`' items. */
const HEAD = "version: 1\nname: p\nsource: sqlite:a.db\ntarget: sqlite:b.db\nstreams:\n";

/** `line:column: message` of all issues. */
function issuesOf(text: string, env: Record<string, string> = {}): string[] {
  try {
    parsePipeline(text, { env, path: "p.yaml" });
  } catch (error) {
    assert.ok(error instanceof LocatedError, String(error));
    return error.issues.map(({ line, column, message }) => `${line}:${column}: ${message}`);
  }
  return [];
}

const stream = (text: string) => `${HEAD}  - { id: a, source: t, ${text} }\n`;

const CASES: Record<string, [text: string, ...issues: string[]]> = {
  "an empty file": ["", "1:1: the file is empty, expected a mapping"],
  "comments alone": ["# nothing\n", "1:1: the file is empty, expected a mapping"],
  "a list": ["- a\n", "1:1: the file is not a mapping, expected version, name, source, …"],
  "a tab as indentation": [
    "version: 1\nsource:\n\tprovider: sqlite\n",
    "3:1: a tab indents this line, expected spaces",
  ],
  "a key twice": [
    "version: 1\nname: a\nname: b\n",
    '3:1: key "name" occurs twice, first on line 2',
    '1:1: missing key "source": A connection: a name, a URL, or {provider, …}',
    '1:1: missing key "target": A connection: a name, a URL, or {provider, …}',
    '1:1: missing key "streams": The datasets to move, loaded in this order',
  ],
  "a second document": [
    `${HEAD}  - { id: a, source: t }\n---\nname: q\n`,
    "7:1: a second document starts here, expected one document per file",
  ],
  "a quote that is not closed": [
    'version: 1\nname: "a\nsource: "b"\n# more\n',
    "2:7: this quote is not closed",
  ],
  "a quote that the end of the file leaves open": [
    "name: ok\ntags: [x, 'a\n",
    "2:11: this quote is not closed",
  ],
  "a colon in a plain value": [
    `${HEAD}  - { id: a, source: t }\ndescription: a: b\n`,
    "7:14: a second key on the same line, or a line that is indented too far: " +
    "put a value that holds a colon and a space in quotes",
  ],
  "a reserved character": [
    "name: @a\n",
    "1:7: a value cannot start with @ or `: put it in quotes",
  ],
  "an alias without anchor": [
    `${HEAD}  - { id: a, source: t, tags: *daily }\n`,
    '6:31: alias "*daily" has no anchor "&daily" before it',
  ],
  "an alias of what it is inside of": [
    `${HEAD}  - { id: a, source: t, tags: &x [*x] }\n`,
    '6:35: alias "*x" has no anchor "&x" before it',
  ],
  "a foreign tag": [
    stream("target: !!js/function x"),
    "6:33: unresolved tag: tag:yaml.org,2002:js/function",
  ],
  "YAML 1.1": ["%YAML 1.1\n---\nname: yes\n", "1:1: the file is YAML 1.1, expected 1.2"],
  "another version": [
    `${HEAD.replace("1", "2")}  - { id: a, source: t }\n`,
    '1:10: "version" is 2, expected 1',
  ],
  "a version in quotes": [
    `${HEAD.replace("1", '"1"')}  - { id: a, source: t }\n`,
    '1:10: "version" is "1", expected 1 without quotes',
  ],
  "a missing version": [
    `${HEAD.replace("version: 1\n", "")}  - { id: a, source: t }\n`,
    '1:1: missing key "version": expected 1',
  ],
  "a missing key": [
    "version: 1\nname: p\nsource: sqlite:a.db\nstreams: [{ id: a, source: t }]\n",
    '1:1: missing key "target": A connection: a name, a URL, or {provider, …}',
  ],
  "a mistyped key at the top": [
    `${HEAD.replace("target", "tagret")}  - { id: a, source: t }\n`,
    '4:1: unknown key "tagret", did you mean "target"',
  ],
  "a foreign key": [
    `${HEAD}  - { id: a, source: t }\nschedule: daily\n`,
    '7:1: unknown key "schedule", known are version, name, description, source, target, ' +
    "buffer, defaults, on_error, external_timeout, streams",
  ],
  "a name with a space": [
    `${HEAD.replace("name: p", "name: a b")}  - { id: a, source: t }\n`,
    '2:7: "name" is "a b", expected letters, digits, _ . and -',
  ],
  "a mistyped key of a stream": [
    `${HEAD}  - id: a\n    soruce: t\n`,
    '7:5: unknown key "soruce", did you mean "source"',
  ],
  "a stream without id": [
    `${HEAD}  - source: t\n`,
    '6:5: missing key "id": Name of the stream, unique in the pipeline ' +
    "(default for a wildcard source: {table})",
  ],
  "an id with a comma": [
    `${HEAD}  - { id: "a,b", source: t }\n`,
    '6:11: "id" is "a,b", expected an id without space , : * ?',
  ],
  "no streams": [
    `${HEAD.trimEnd()} []\n`,
    '5:10: "streams" is empty, expected at least 1 item',
  ],
  "streams without a value": [HEAD, '5:9: "streams" has no value, expected a list'],
  "streams as a mapping": [
    `${HEAD}  orders: { source: t }\n`,
    '6:3: "streams" is a mapping, expected a list',
  ],
  "a number for a source": [
    `${HEAD}  - { id: a, source: 12 }\n`,
    '6:22: "source" is the number 12, expected text in quotes or a mapping',
  ],
  "a wrong source type": [
    `${HEAD}  - { id: a, source: { type: colection, name: t } }\n`,
    '6:30: "type" is "colection", expected relation, sql, function, collection, query, ' +
    "aggregate, file, glob, directory, endpoint, paginated, keys, hash, list, set, cypher, " +
    'nodes or edges, did you mean "collection"',
  ],
  "a source without type": [
    `${HEAD}  - { id: a, source: { sql: select 1 } }\n`,
    '6:22: missing key "type": expected relation, sql, function, collection, query, ' +
    "aggregate, file, glob, directory, endpoint, paginated, keys, hash, list, set, cypher, " +
    "nodes or edges",
  ],
  "a mistyped type": [
    `${HEAD}  - { id: a, source: { tpye: sql, sql: select 1 } }\n`,
    '6:24: unknown key "tpye", did you mean "type"',
  ],
  "a mistyped key of a source": [
    `${HEAD}  - { id: a, source: { type: relation, nmae: t } }\n`,
    '6:40: unknown key "nmae", did you mean "name"',
  ],
  "a key of another source type": [
    `${HEAD}  - { id: a, source: { type: sql, sql: x, where: y } }\n`,
    '6:43: unknown key "where", known are type, sql',
  ],
  "a target that cannot be written": [
    stream("target: { type: sql, sql: x }"),
    '6:41: "type" is "sql", expected relation, collection, file, directory, endpoint, hash or nodes',
  ],
  "a mistyped key of options": [
    `${HEAD}  - { id: a, source: { type: file, path: x, options: { delimeter: ";" } } }\n`,
    '6:56: unknown key "delimeter", did you mean "delimiter"',
  ],
  "two characters for one": [
    `${HEAD}  - { id: a, source: { type: file, path: x, options: { quote: "''" } } }\n`,
    `6:63: "quote" is "''", expected one character`,
  ],
  "a mistyped load mode": [
    stream("load: { mode: upser, upsert_keys: [b] }"),
    '6:39: "mode" is "upser", expected append, replace, upsert or scd2, did you mean "upsert"',
  ],
  "a mistyped upsert_keys": [
    stream("load: { mode: upsert, upsert_key: [b] }"),
    '6:47: unknown key "upsert_key", did you mean "upsert_keys"',
  ],
  "upsert_keys as text": [
    stream("load: { mode: upsert, upsert_keys: b }"),
    '6:60: "upsert_keys" is the text "b", expected a list',
  ],
  "a truth of YAML 1.1": [
    `${HEAD}  - { id: a, source: t }\nbuffer: { cleanup_on_success: yes }\n`,
    '7:31: "cleanup_on_success" is the text "yes", expected true or false',
  ],
  "a mistyped format": [
    `${HEAD}  - { id: a, source: t }\nbuffer: { format: parqet }\n`,
    '7:19: "format" is "parqet", expected parquet, csv, tsv, json, jsonl, arrow, passthrough ' +
    'or memory, did you mean "parquet"',
  ],
  "a fraction for a count": [
    stream("extract: { batch_rows: 1.5 }"),
    '6:48: "batch_rows" is the number 1.5, expected a whole number',
  ],
  "a count below its least": [
    stream("extract: { batch_rows: 0 }"),
    '6:48: "batch_rows" is 0, expected at least 1',
  ],
  "a count above its most": [
    stream("extract: { batch_rows: 2000000 }"),
    '6:48: "batch_rows" is 2000000, expected at most 1048576',
  ],
  "an overlap in words": [
    stream("extract: { mode: incremental, watermark_field: u, overlap: 1 hour }"),
    '6:84: "overlap" is "1 hour", expected a number, or an ISO 8601 duration such as PT1H, P2D or PT0.000001S',
  ],
  "a mistyped dtype": [
    stream("fields: [{ id: x, dtype: integr }]"),
    '6:50: "dtype" is "integr", expected int8, int16, int32, int64, uint8, uint16, uint32, ' +
    "uint64, float32, float64, decimal, string, bool, date, time, timestamp, timestamp_tz, " +
    "binary, json, array or object",
  ],
  "a mistyped key of a field's source": [
    stream("fields: [{ id: x, source: { expresion: y } }]"),
    '6:53: unknown key "expresion", did you mean "expression"',
  ],
  "a target type that is SQL": [
    stream('fields: [{ id: x, target: { dtype: "int; drop table t" } }]'),
    '6:60: "dtype" is "int; drop table t", expected only the name of a type, such as ' +
    "numeric(12,2), double precision or text[]",
  ],
  "a target type with a constraint": [
    stream('fields: [{ id: x, target: { dtype: "bigint REFERENCES victim" } }]'),
    '6:60: "dtype" is "bigint REFERENCES victim", expected only the name of a type, such as ' +
    "numeric(12,2), double precision or text[]",
  ],
  "a scale above the precision": [
    stream("fields: [{ id: x, dtype: decimal, precision: 3, scale: 4 }]"),
    '6:80: "scale": scale must not exceed precision',
  ],
  "a generated field with a source": [
    stream("fields: [{ id: x, source: y, generator: current_timestamp }]"),
    '6:51: "source": a generated field has no source',
  ],
  "a class without its name": [
    stream("extractor: { clas: x }"),
    '6:38: unknown key "clas", did you mean "class"',
  ],
  "a mistyped provider": [
    "version: 1\nname: p\nsource: { provdr: sqlite }\ntarget: sqlite:b\n" +
    "streams: [{ id: a, source: t }]\n",
    '3:11: unknown key "provdr", did you mean "provider"',
  ],
  "a list for an end": [
    "version: 1\nname: p\nsource: [sqlite]\ntarget: sqlite:b\nstreams: [{ id: a, source: t }]\n",
    '3:9: "source" is a list, expected text or a mapping',
  ],
  "a connection and a url": [
    "version: 1\nname: p\nsource: { connection: shop, url: sqlite:a }\ntarget: sqlite:b\n" +
    "streams: [{ id: a, source: t }]\n",
    '3:34: "url": connection and url exclude each other',
  ],
  "a connection without a project": [
    "version: 1\nname: p\nsource: shop\ntarget: sqlite:b\nstreams: [{ id: a, source: t }]\n",
    '3:9: "shop" is not a URL, and no dxt_project.yaml declares connections',
  ],
  "an id twice": [
    `${HEAD}  - { id: a, source: t }\n  - { id: b, source: t }\n  - { id: a, source: u }\n`,
    '8:11: stream "a" occurs twice, first on line 6',
  ],
  "an upsert without keys": [
    stream("load: { mode: upsert }"),
    '6:39: stream "a" has mode upsert but no upsert_keys',
  ],
  "keys without an upsert": [
    stream("load: { upsert_keys: [b] }"),
    '6:46: stream "a" has upsert_keys but mode append, expected mode: upsert or scd2',
  ],
  "a condition of rows to replace without a replacement": [
    stream('load: { where: "day = 1" }'),
    '6:40: stream "a" has load.where but mode append without deletes, expected mode: replace',
  ],
  "deletes without an upsert": [
    stream("load: { mode: append, deletes: hard }"),
    '6:56: stream "a" has load.deletes but mode append, expected mode: upsert or scd2',
  ],
  "a time of validity that is a key": [
    stream(
      "load: { mode: scd2, upsert_keys: [b, u], history: { valid_from_field: u } }",
    ),
    '6:95: field "u" is one of the upsert_keys of stream "a", so that each time would be a record of its own: expected keys without it',
  ],
  "deletes by keys that transforms may change": [
    stream(
      "transforms: [./t.ts#T], extract: { mode: incremental, watermark_field: u }, load: { mode: upsert, upsert_keys: [b], deletes: soft }",
    ),
    '6:150: stream "a" extracts only new records, and reads its keys besides, which pass no transforms: expected extract mode full, or no transforms',
  ],
  "deletes of a load that skips rows": [
    stream(
      "error_handling: { on_load_error: skip }, load: { mode: upsert, upsert_keys: [b], deletes: hard }",
    ),
    '6:115: stream "a" skips bad rows, and would delete what the target has of them: expected no skip as on_load_error',
  ],
  "deletes of an extraction that skips rows": [
    stream(
      "error_handling: { on_extract_error: skip, on_transform_error: skip }, load: { mode: upsert, upsert_keys: [b], deletes: hard }",
    ),
    '6:144: stream "a" skips bad rows, and would delete what the target has of them: expected no skip as on_extract_error, on_transform_error',
  ],
  "a column of marks without soft deletes": [
    stream("load: { mode: upsert, upsert_keys: [b], deletes: hard, deleted_at: c }"),
    '6:92: stream "a" has load.deleted_at but marks no rows, expected deletes: soft',
  ],
  "an incremental stream without watermark": [
    stream("extract: { mode: incremental }"),
    '6:42: stream "a" has mode incremental but no watermark_field',
  ],
  "a watermark without a mode": [
    stream("extract: { watermark_field: u }"),
    '6:53: stream "a" has a watermark_field but no mode, expected mode: incremental or full',
  ],
  "an incremental replace": [
    stream("extract: { mode: incremental, watermark_field: u }, load: { mode: replace }"),
    '6:91: stream "a" extracts only new records but replaces all loaded ones: expected mode ' +
    "append or upsert, or extract mode full",
  ],
  "keys that are not declared": [
    stream(
      "fields: [{ id: order_id }], only_declared_fields: true, " +
        "extract: { mode: incremental, watermark_field: updated }, " +
        "load: { mode: upsert, upsert_keys: [oder_id] }",
    ),
    '6:128: field "updated" is not among the declared fields',
    '6:175: field "oder_id" is not among the declared fields, did you mean "order_id"',
  ],
  "only declared fields, and none": [
    stream("only_declared_fields: true"),
    '6:47: stream "a" declares no fields',
  ],
  "a field twice": [
    stream("fields: [{ id: x }, { id: x }]"),
    '6:51: field "x" occurs twice',
  ],
  "a precision of a string": [
    stream("fields: [{ id: x, dtype: string, precision: 3 }]"),
    '6:69: field "x" has a precision but dtype string, expected dtype: decimal',
  ],
  "an unset variable": [
    stream('target: "${TARGTE}"').replace("source: sqlite:a.db", "source: ${SOURCE}"),
    '3:9: variable "SOURCE" is not set',
    '6:34: variable "TARGTE" is not set, did you mean "TARGET"',
  ],
  "a variable with its own message": [
    stream("target: '${T:?give a table}'"),
    '6:34: variable "T" is not set: give a table',
  ],
  "a variable that is not closed": [
    stream('target: "a${T"'),
    '6:35: a "${" is not closed by "}"; write "$$" for a "$"',
  ],
  "a variable without quotes where braces mean something": [
    stream("target: ${T}"),
    "6:33: a variable inside { } or [ ] needs quotes",
  ],
  "an operator of another shell": [
    stream('target: "${T-x}"'),
    '6:34: cannot expand "${T-x}": expected ${NAME}, ${NAME:-default} or ${NAME:?message}',
  ],
};

for (const [name, [text, ...issues]] of Object.entries(CASES)) {
  Deno.test(`${name} is reported with its place`, () => {
    assert.deepEqual(issuesOf(text, { TARGET: "t" }).toSorted(), issues.toSorted());
  });
}

Deno.test("all that is wrong is reported at once, in the order of the file, with lines and carets", () => {
  const text = `${HEAD}  - id: a
    source: { type: sql, sq: x }
  - id: b
    source: t
    load: { mode: upser }
`;
  assert.throws(() => parsePipeline(text, { env: {}, path: "dir/p.yaml" }), {
    name: "LocatedError",
    message: [
      'dir/p.yaml:7:26: unknown key "sq", did you mean "sql"',
      "    7 |     source: { type: sql, sq: x }",
      "      |                          ^",
      'dir/p.yaml:10:19: "mode" is "upser", expected append, replace, upsert or scd2, did you mean "upsert"',
      "   10 |     load: { mode: upser }",
      "      |                   ^",
    ].join("\n"),
  });
});

Deno.test("columns count characters, and a caret stands below tabs and behind them", () => {
  const text = `${HEAD}  - { "id":\t"😀é", source: t, x: 1 }\n`;
  assert.throws(() => parsePipeline(text, { env: {} }), (error: LocatedError) => {
    const [issue] = error.issues;
    assert.equal(issue!.column, 30);
    const [line, caret] = issue!.excerpt.split("\n");
    assert.equal(caret!.replace("\t", " ").length, line!.indexOf("x: 1") + 1);
    assert.equal(caret!.indexOf("\t"), line!.indexOf("\t"));
    return true;
  });
});

Deno.test("a long line is cut around its caret", () => {
  const text = `${HEAD}  - { id: a, description: ${"é".repeat(5000)}, x: 1, target: ${
    "y".repeat(500)
  } }\n`;
  assert.throws(() => parsePipeline(text, { env: {} }), (error: LocatedError) => {
    const excerpt = error.issues.find(({ message }) => message.includes('"x"'))!.excerpt;
    const [line, caret] = excerpt.split("\n");
    assert.ok(line!.length < 140);
    assert.equal(line![caret!.length - 1], "x");
    return true;
  });
});

Deno.test("no message shows a password or the value of a variable", () => {
  const text = `version: 1
name: p
source: { provider: postgres, password: hunter2, port: 1, url: [1] }
target: { provider: x, url: "postgres://me:hunter2@host/db", connection: "\${SECRET}" }
streams: [{ id: "\${SECRET}", source: t, load: { mode: "\${SECRET}" }, y: "a://u:hunter2@h" }]
`;
  assert.throws(() => parsePipeline(text, { env: { SECRET: "a,hunter2" } }), (error: Error) => {
    assert.doesNotMatch(error.message, /hunter2/);
    assert.match(error.message, /5:17: "id" is "\$\{SECRET\}", expected an id without/);
    assert.match(
      error.message,
      /"mode" is "\$\{SECRET\}", expected append, replace, upsert or scd2/,
    );
    assert.match(error.message, /postgres:\/\/\*\*\*@host/);
    return true;
  });
});

Deno.test("a terminal's escapes in a file do not reach the message", () => {
  const text = `${HEAD}  - { id: a, source: t, "x": "\u009b31m\u001b[31m" }\n`;
  assert.throws(() => parsePipeline(text, { env: {} }), (error: Error) => {
    for (const escape of ["\u001b", "\u009b"]) assert.ok(!error.message.includes(escape));
    return true;
  });
});

Deno.test("an error of another room points into the file, at the nearest place there is", () => {
  const text = `${HEAD}  - id: a\n    source: t\n    load: { mode: append }\n`;
  const loaded = parsePipeline(text, { env: {}, path: "p.yaml" });
  const at = (path: (string | number)[]) => loaded.errorAt(path, "Cannot x").message.split("\n")[0];
  assert.equal(at(["streams", 0, "load", "mode"]), "p.yaml:8:19: Cannot x");
  assert.equal(at(["streams", 0, "target"]), "p.yaml:6:5: Cannot x");
  assert.equal(at(["source", "path"]), "p.yaml:3:9: Cannot x");
  assert.equal(at([]), "p.yaml:1:1: Cannot x");
  assert.ok("position" in loaded.errorAt([], "x"));
});

Deno.test("an excerpt masks values of a web address whole, under any name", () => {
  const line = 'from: https://h/x.csv?sig[]=abc,def]&%6Bey=S3}CRET&a=${A}#top "x?b=1"';
  assert.match(
    new SourceText("p.yaml", line).excerpt(0),
    /https:\/\/h\/x\.csv\?sig\[\]=\*\*\*&%6Bey=\*\*\*&a=\$\{A\}#top "x\?b=\*\*\*"\n/,
  );
});
