import assert from "node:assert/strict";
import fc from "fast-check";
import { ValidationError } from "../../src/core/errors.ts";
import { encodeText, toUTF8 } from "../../src/formats/text/encoding.ts";
import { ENCODINGS } from "../../src/models/format.ts";
import { collect, inChunks } from "../support/bytes.ts";

const utf8 = new TextEncoder();
const decode = async (bytes: number[], encoding: (typeof ENCODINGS)[number], size = 1) =>
  new TextDecoder().decode(await collect(toUTF8(inChunks(Uint8Array.from(bytes), size), encoding)));

for (const encoding of ENCODINGS) {
  Deno.test(`any text survives ${encoding}, whatever the chunks`, async () => {
    const unit = encoding === "latin-1"
      ? fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code))
      : "binary" as const;
    await fc.assert(fc.asyncProperty(
      fc.string({ unit }).filter((text) => text.isWellFormed() && !text.startsWith("\ufeff")),
      fc.integer({ min: 1, max: 7 }),
      async (text, size) => {
        const encoded = await collect(encodeText(inChunks(utf8.encode(text)), encoding));
        const back = await collect(toUTF8(inChunks(encoded, size), encoding));
        assert.deepEqual(new TextDecoder("utf-8", { ignoreBOM: true }).decode(back), text);
      },
    ));
  });
}

Deno.test("a byte order mark is left out, and tells the order of utf-16", async () => {
  assert.equal(await decode([0xef, 0xbb, 0xbf, 0x61], "utf-8"), "a");
  assert.equal(await decode([0xff, 0xfe, 0x61, 0], "utf-16"), "a");
  assert.equal(await decode([0xfe, 0xff, 0, 0x61], "utf-16"), "a");
  assert.equal(await decode([0x61, 0], "utf-16"), "a");
  assert.equal(await decode([0, 0x61], "utf-16be"), "a");
});

Deno.test("latin-1 is ISO 8859-1, not windows-1252", async () => {
  assert.equal(await decode([0x80, 0xe9], "latin-1"), "\u0080é");
});

Deno.test("malformed text is refused with its place", async () => {
  await assert.rejects(decode([0x61, 0xff, 0x62], "utf-8", 3), /near byte 1/);
  await assert.rejects(decode([0x61, 0xc3], "utf-8"), /at its end/);
  await assert.rejects(decode([0x61, 0, 0], "utf-16le"), ValidationError);
  await assert.rejects(decode([0, 0xd8, 0x61, 0], "utf-16le"), ValidationError);
  await assert.rejects(decode([0, 0xd8], "utf-16le"), ValidationError);
});

Deno.test("half a surrogate pair is refused at its byte, whatever the chunks", async () => {
  const [mark, a, high, low] = [[0xff, 0xfe], [0x61, 0], [0, 0xd8], [0, 0xdc]];
  for (
    const [units, at] of [
      [[mark, a, high, a], 4],
      [[mark, a, low], 4],
      [[mark, high, low, low, a], 6],
      [[mark, a, high], 4],
      [[mark, high, high, low], 2],
      [[mark, a, [0x61]], 4],
    ] as const
  ) {
    const bytes = units.flat();
    for (let size = 1; size <= bytes.length; size++) {
      await assert.rejects(decode(bytes, "utf-16", size), {
        message: `Cannot read text as utf-16: malformed at byte ${at}`,
      });
    }
  }
});

Deno.test("a character that latin-1 lacks is refused", async () => {
  const text = inChunks(utf8.encode("10 €"));
  await assert.rejects(collect(encodeText(text, "latin-1")), /Cannot write "€" as latin-1/);
});
