import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { createColumn, decimalText, valueReader } from "../../../../../src/arrow/mod.ts";
import type { BigColumn } from "../../../../../src/arrow/mod.ts";
import { arrayLiteral } from "../../../../../src/providers/relational/postgres/copy/array_literal.ts";
import type { TableColumn } from "../../../../../src/providers/relational/postgres/sql/catalog.ts";
import { CopyBuffer } from "../../../../../src/providers/relational/postgres/copy/copy_buffer.ts";
import {
  quoteText,
  serverDate,
} from "../../../../../src/providers/relational/postgres/sql/dialect.ts";
import { chooseEncoding } from "../../../../../src/providers/relational/postgres/types/column_encoding.ts";
import { MessageBuffer } from "../../../../../src/providers/relational/postgres/wire/message_buffer.ts";
import {
  encodeCString,
  MESSAGE,
  message,
  parseDataRow,
  parseReport,
  parseRowDescription,
  rowsOfTag,
  startupMessage,
  viewBody,
} from "../../../../../src/providers/relational/postgres/wire/messages.ts";
import {
  decimalDecoder,
  numericText,
  writeNumeric,
  writeNumericText,
} from "../../../../../src/providers/relational/postgres/copy/numeric.ts";
import {
  md5Password,
  saslPrepared,
  ScramClient,
} from "../../../../../src/providers/relational/postgres/wire/scram.ts";
import {
  fromSource,
  typeMapper,
} from "../../../../../src/providers/relational/postgres/types/type_mapper.ts";

Deno.test("SCRAM answers with nonce and proof, and refuses another server's signature", async () => {
  // The numbers of RFC 7677, where the name is not empty: so the signature of its server is wrong.
  const client = new ScramClient("pencil", "rOprNGfwEbeRWgbNEkqO");
  assert.equal(client.first, "n,,n=,r=rOprNGfwEbeRWgbNEkqO");
  const nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
  const final = await client.final(`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`);
  assert.match(final, new RegExp(`^c=biws,r=${nonce.replace(/[)$*]/g, "\\$&")},p=.{43}=$`));
  assert.throws(() => client.verify("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="));
});

Deno.test("SCRAM refuses a server whose nonce does not begin with the client's", async () => {
  for (const nonce of ["", "mine", "other", "mimine"]) {
    const client = new ScramClient("pencil", "mine");
    await assert.rejects(client.final(`r=${nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096`));
  }
  await assert.rejects(
    new ScramClient("pencil", "mine").final("r=mine1,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=0"),
  );
  assert.throws(() => new ScramClient("pencil").verify("v="));
});

Deno.test("passwords are prepared as RFC 4013 has it", () => {
  for (
    const [password, prepared] of [
      ["I\u00adX", "IX"],
      ["user", "user"],
      ["USER", "USER"],
      ["\u00aa", "a"],
      ["\u2168", "IX"],
      ["a\u00a0b", "a b"],
    ]
  ) assert.equal(saslPrepared(password!), prepared);
});

Deno.test("an MD5 password is the digest of the digest", () => {
  assert.equal(
    md5Password("user", "pencil", Uint8Array.of(1, 2, 3, 4)),
    "md5" + md5Of(md5Of("penciluser"), [1, 2, 3, 4]),
  );
});

function md5Of(text: string, more: number[] = []): string {
  return createHash("md5").update(text).update(Uint8Array.from(more)).digest("hex");
}

Deno.test("messages have their length inside, the first one no type", () => {
  assert.deepEqual(
    message(MESSAGE.query, encodeCString("é")),
    Uint8Array.of(0x51, 0, 0, 0, 7, 0xc3, 0xa9, 0),
  );
  const startup = startupMessage({ user: "me" });
  assert.deepEqual([...startup.subarray(0, 8)], [0, 0, 0, 17, 0, 3, 0, 0]);
  assert.equal(new TextDecoder().decode(startup.subarray(8)), "user\0me\0\0");
  assert.throws(() => encodeCString("a\0b"), RangeError);
});

Deno.test("an error has its SQLSTATE, detail, hint and context", () => {
  const bytes = new TextEncoder().encode(
    "SFEHLER\0VERROR\0C23505\0Mduplicate key\0DKey (id)=(1) already exists.\0Hno hint\0WCOPY t, line 1\0cid\0\0",
  );
  assert.deepEqual(parseReport(viewBody(bytes)), {
    severity: "ERROR",
    code: "23505",
    message: "duplicate key",
    detail: "Key (id)=(1) already exists.",
    hint: "no hint",
    where: "COPY t, line 1",
    position: undefined,
    routine: undefined,
    column: "id",
  });
  assert.equal(parseReport(viewBody(new Uint8Array())).code, "XX000");
});

Deno.test("a row description and a row give names, types and values", () => {
  const description = new Uint8Array(2 + 3 + 18);
  const view = new DataView(description.buffer);
  view.setInt16(0, 1);
  description.set(new TextEncoder().encode("né".slice(0, 1) + "x\0"), 2);
  view.setUint32(2 + 3 + 6, 4_000_000_000);
  view.setInt32(2 + 3 + 12, -1);
  assert.deepEqual(parseRowDescription(viewBody(description)), [
    { name: "nx", type: 4_000_000_000, modifier: -1 },
  ]);
  const row = Uint8Array.of(0, 3, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 1, 0x61);
  assert.deepEqual(parseDataRow(viewBody(row)), [null, "", "a"]);
});

Deno.test("only a tag that counts rows is a proof", () => {
  for (
    const [tag, rows] of [
      ["COPY 347", 347],
      ["COPY 0", 0],
      ["INSERT 0 5", 5],
      ["UPDATE 3", 3],
      ["COPY", undefined],
      ["COPY 3x", undefined],
      ["", undefined],
      ["COMMIT", undefined],
    ] as const
  ) assert.equal(rowsOfTag(tag), rows);
});

Deno.test("messages are found whole, however the bytes are cut", async () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 700_000 }), { maxLength: 4 });
  const cuts = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(sizes, cuts, async (bodies, chunks) => {
      const sent = bodies.map((size, i) =>
        message(MESSAGE.copyData, new Uint8Array(size).fill(i + 1))
      );
      const stream = new Uint8Array(sent.reduce((sum, { length }) => sum + length, 0));
      let end = 0;
      for (const bytes of sent) {
        stream.set(bytes, end);
        end += bytes.length;
      }
      let at = 0;
      let turn = 0;
      const input = new MessageBuffer({
        read(into) {
          if (at === stream.length) return Promise.resolve(null);
          const size = Math.min(chunks[turn++ % chunks.length]!, into.length, stream.length - at);
          assert.ok(size > 0, "there is no room to read into");
          into.set(stream.subarray(at, at + size));
          at += size;
          return Promise.resolve(size);
        },
      });
      const got: Uint8Array[] = [];
      do {
        for (let next = input.next(); next !== undefined; next = input.next()) {
          assert.equal(next.type, MESSAGE.copyData);
          got.push(next.body.bytes);
        }
      } while (await input.fill());
      assert.deepEqual(got.map(({ length }) => length), bodies);
      assert.ok(got.every((bytes, i) => bytes.every((byte) => byte === i + 1)));
    }),
    { numRuns: 50 },
  );
});

Deno.test("a message shorter than its own length is an error", async () => {
  const input = new MessageBuffer({
    read(into) {
      into.set([MESSAGE.copyData, 255, 255, 255, 0]);
      return Promise.resolve(5);
    },
  });
  await assert.rejects(async () => {
    for (let i = 0; i < 3; i++) {
      if (input.find()) assert.fail("it was taken for a message");
      await input.fill();
    }
  }, RangeError);
});

/** An unscaled value of at most `precision` digits, and a scale. */
const decimals = fc.integer({ min: 1, max: 76 }).chain((precision) =>
  fc.tuple(
    fc.constant(precision),
    fc.integer({ min: 0, max: precision }),
    fc.bigInt({ min: -(10n ** BigInt(precision)) + 1n, max: 10n ** BigInt(precision) - 1n }),
    fc.integer({ min: 0, max: precision }),
  )
);

Deno.test("a decimal written as numeric is read as the same digits", () => {
  const view = new DataView(new ArrayBuffer(100));
  fc.assert(
    fc.property(decimals, ([precision, scale, value, zeros]) => {
      // Small values and closing zeros are as likely as large ones.
      const unscaled = value / 10n ** BigInt(zeros);
      const size = writeNumeric(view, 0, unscaled, scale);
      const input = { bytes: new Uint8Array(view.buffer), view } as unknown as MessageBuffer;
      assert.equal(numericText(input, 0), decimalText(unscaled, scale));
      const field = { name: "d", dtype: "decimal", precision, scale, nullable: true } as const;
      const column = createColumn(field) as BigColumn;
      decimalDecoder(field, column)(input, 0, size);
      assert.equal(valueReader(field, column.take())(0), decimalText(unscaled, scale));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("a numeric's text is written as the numeric that is printed so", () => {
  const view = new DataView(new ArrayBuffer(200));
  const other = new DataView(new ArrayBuffer(200));
  const write = (text: string) => {
    const bytes = new TextEncoder().encode(`1${text}1`);
    return writeNumericText(view, 0, bytes, 1, bytes.length - 1);
  };
  fc.assert(
    fc.property(decimals, ([, scale, value, zeros]) => {
      const unscaled = value / 10n ** BigInt(zeros);
      const size = writeNumeric(other, 0, unscaled, scale);
      assert.equal(write(decimalText(unscaled, scale)), size);
      assert.deepEqual(view.buffer.slice(0, size), other.buffer.slice(0, size));
    }),
    { numRuns: 2000 },
  );
  for (const text of ["NaN", "Infinity", "-Infinity", "0", "0.000", "0.00001", "1000000000000"]) {
    assert.ok(write(text) >= 8, text);
    assert.equal(numericText({ view }, 0), text);
  }
  write("-0.0");
  assert.equal(numericText({ view }, 0), "0.0");
  for (
    const text of ["", "-", ".", "1.", ".5", "1e5", "+1", " 1", "1 ", "1_0", "nan", "--1", "1.2.3"]
  ) {
    assert.equal(write(text), -1, text);
  }
});

Deno.test("only text that a numeric was is written as one", () => {
  const column = { name: "f", type: "numeric", kind: "b" } as TableColumn;
  const string = { name: "f", dtype: "string", nullable: true } as const;
  const fit = (native?: string) =>
    chooseEncoding(
      native === undefined ? string : { ...string, source_type: `postgres:${native}` },
      column,
    );
  assert.deepEqual(fit("numeric"), { how: "binary", as: "numeric" });
  assert.deepEqual(fit("numeric(100,50)"), { how: "binary", as: "numeric" });
  for (const native of [undefined, "text", "numeric[]", "interval"]) {
    assert.deepEqual(fit(native), { how: "text" });
  }
});

Deno.test("a numeric that needs more digits than the field has is refused", () => {
  const view = new DataView(new ArrayBuffer(100));
  const input = { bytes: new Uint8Array(view.buffer), view } as unknown as MessageBuffer;
  fc.assert(
    fc.property(decimals, ([precision, scale, value]) => {
      fc.pre(scale > 0 && value % 10n !== 0n);
      writeNumeric(view, 0, value, scale);
      const narrow = {
        name: "d",
        dtype: "decimal",
        precision,
        scale: scale - 1,
        nullable: true,
      } as const;
      const decode = decimalDecoder(narrow, createColumn(narrow) as BigColumn);
      assert.throws(() => decode(input, 0, 0), /expected decimal/);
    }),
    { numRuns: 500 },
  );
});

const nested = fc.letrec<{ array: unknown[]; leaf: unknown }>((tie) => ({
  leaf: fc.oneof(fc.string({ unit: "binary" }), fc.constant(null)),
  array: fc.array(fc.oneof({ depthSize: "small" }, tie("leaf"), tie("array")), { maxLength: 4 }),
})).array;

/** The array of a literal: what the server's array_in does. */
function readLiteral(text: string): unknown {
  let at = 0;
  const value = (): unknown => {
    if (text[at] === "{") {
      const items: unknown[] = [];
      at++;
      while (text[at] !== "}") {
        items.push(value());
        if (text[at] === ",") at++;
      }
      at++;
      return items;
    }
    if (text[at] === '"') {
      let body = "";
      for (at++; text[at] !== '"'; at++) {
        if (text[at] === "\\") at++;
        body += text[at];
      }
      at++;
      return body;
    }
    const match = /[^,{}]+/y;
    match.lastIndex = at;
    const [bare] = match.exec(text)!;
    at += bare.length;
    return bare === "NULL" ? null : `bare ${bare}`;
  };
  const result = value();
  assert.equal(at, text.length);
  return result;
}

Deno.test("a JSON array and its literal hold the same values", () => {
  fc.assert(fc.property(nested, (array) => {
    for (const json of [JSON.stringify(array), JSON.stringify(array, null, 2)]) {
      assert.deepEqual(readLiteral(arrayLiteral(json, true)!), array);
    }
  }));
});

Deno.test("array literals keep the digits of numbers, and refuse what is no array of values", () => {
  assert.equal(
    arrayLiteral("[1.50, -12345678901234567890, 1e400, true, null]", false),
    "{1.50,-12345678901234567890,1e400,true,NULL}",
  );
  assert.equal(arrayLiteral('["NULL", "a\\"b\\\\"]', true), '{"NULL","a\\"b\\\\"}');
  assert.equal(arrayLiteral("[]", true), "{}");
  for (const json of ["", "1", '"a"', "{}", "[{}]", "[", "[1]]", "[1] [2]", "nope", '[1] "x"']) {
    assert.equal(arrayLiteral(json, false), undefined, json);
  }
  assert.equal(arrayLiteral("[1]", true), undefined);
});

Deno.test("dates are written with the server's years", () => {
  for (
    const [iso, server] of [
      ["2024-02-29", "2024-02-29"],
      ["+012345-01-01T00:00:00", "12345-01-01T00:00:00"],
      ["0000-12-31", "0001-12-31 BC"],
      ["-000043-03-15T01:02:03Z", "0044-03-15T01:02:03Z BC"],
      ["infinity", "infinity"],
    ]
  ) assert.equal(serverDate(iso!), server);
});

Deno.test("text is quoted so that nothing ends it", () => {
  assert.equal(quoteText("it's"), "'it''s'");
  assert.equal(quoteText("a\\'b"), " E'a\\\\''b'");
  assert.throws(() => quoteText("a\0"), /U\+0000/);
});

Deno.test("a writer's frame is one message, whatever its size", () => {
  const out = new CopyBuffer();
  const text = "x".repeat(1_000_000);
  out.text(text);
  assert.ok(out.full);
  const frame = out.take();
  assert.equal(frame[0], MESSAGE.copyData);
  assert.equal(new DataView(frame.buffer, frame.byteOffset).getInt32(1), text.length + 4);
  assert.equal(frame.length, text.length + 5);
  assert.ok(!out.full);
});

Deno.test("a writer keeps no memory of a huge value, and its message stays whole", () => {
  const out = new CopyBuffer();
  const before = out.bytes.length;
  const huge = new Uint8Array(10_000_000).fill(7);
  out.slice(huge, 0, huge.length);
  const frame = out.take();
  out.int32(-1);
  assert.equal(out.bytes.length, before);
  assert.ok(frame.subarray(5).every((byte) => byte === 7));
  assert.deepEqual([...out.take().subarray(5)], [255, 255, 255, 255]);
});

Deno.test("native types map to dxt's and back to themselves", () => {
  for (
    const [native, dtype] of [
      ["numeric(12,2)", "decimal"],
      ["numeric", "string"],
      ["numeric(80,2)", "string"],
      ["numeric(5,-2)", "string"],
      ["numeric(2,5)", "string"],
      ["integer", "int32"],
      ["int4", "int32"],
      ["character varying(20)", "string"],
      ["timestamp(3) without time zone", "timestamp"],
      ["timestamp with time zone", "timestamp_tz"],
      ["time with time zone", "string"],
      ["integer[]", "array"],
      ["integer[][]", "array"],
      ["interval day to second(3)", "string"],
      ["my_schema.mood", "string"],
      ["inet[]", "string"],
      ['"char"', "string"],
      ["jsonb", "json"],
    ] as const
  ) {
    const mapped = fromSource(native);
    assert.equal(mapped.dtype, dtype, native);
    const field = { name: "f", ...mapped, nullable: true, source_type: `postgres:${native}` };
    assert.equal(typeMapper.toTarget(field), native);
    const asked = { ...field, target_type: "text" };
    assert.equal(typeMapper.toTarget(asked), "text");
  }
  const hostile = {
    name: "f",
    dtype: "int32",
    nullable: true,
    source_type: "postgres:int); DROP TABLE x; --",
  } as const;
  assert.equal(typeMapper.toTarget(hostile), "integer");
  assert.throws(() => fromSource(""), /a type has a name/);
});
