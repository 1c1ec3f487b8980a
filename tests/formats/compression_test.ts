import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ConfigurationError, ValidationError } from "../../src/core/errors.ts";
import { concat } from "../../src/core/values/bytes.ts";
import { compress, decompress } from "../../src/formats/compression/mod.ts";
import type { Compression } from "../../src/models/format.ts";
import { collect, inChunks } from "../support/bytes.ts";

/** More than one block of every compression, not too regular. */
const TEXT = new TextEncoder().encode(
  Array.from({ length: 60_000 }, (_, i) => `${i},${(i * 2654435761) >>> 0}\n`).join(""),
);

const sample = (ending: string) =>
  Deno.readFile(fileURLToPath(new URL(`../data/compressed/sample.csv.${ending}`, import.meta.url)));

const packed = (compression: Compression) => collect(compress(inChunks(TEXT), compression));
const unpacked = (bytes: Uint8Array, compression: Compression, size?: number) =>
  collect(decompress(inChunks(bytes, size), compression));

function twice(bytes: Uint8Array): Uint8Array {
  return concat(bytes, bytes);
}

for (const compression of ["none", "gzip", "zstd"] as const) {
  Deno.test(`${compression} gives back what was compressed, in chunks of any size`, async () => {
    const bytes = await packed(compression);
    for (const size of [977, 65_536]) {
      assert.deepEqual(await unpacked(bytes, compression, size), TEXT);
    }
  });
}

Deno.test("bz2 and xz are read", async () => {
  for (const [compression, ending] of [["bz2", "bz2"], ["xz", "xz"]] as const) {
    const text = new TextDecoder().decode(await unpacked(await sample(ending), compression, 7));
    assert.equal(text, "id,name\n1,zażółć\n2,b\n");
  }
});

const samples: readonly [Compression, () => Promise<Uint8Array>][] = [
  ["gzip", () => packed("gzip")],
  ["zstd", () => packed("zstd")],
  ["bz2", () => sample("bz2")],
  ["xz", () => sample("xz")],
];

for (const [compression, make] of samples) {
  Deno.test(`a ${compression} file of several members is read whole`, async () => {
    const bytes = await make();
    const once = await unpacked(bytes, compression);
    assert.deepEqual(await unpacked(twice(bytes), compression), twice(once));
  });

  Deno.test(`a ${compression} file that is cut, changed or followed by others is refused`, async () => {
    const bytes = await make();
    const cuts = [0, 1, 3, 10, bytes.length >> 1, bytes.length - 5, bytes.length - 1];
    for (const cut of cuts) {
      await assert.rejects(
        unpacked(bytes.subarray(0, cut), compression),
        ValidationError,
        `${cut} of ${bytes.length} bytes`,
      );
    }
    const changed = bytes.slice();
    changed[changed.length >> 1]! ^= 0x55;
    await assert.rejects(unpacked(changed, compression), ValidationError);
    await assert.rejects(
      unpacked(concat(bytes, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)), compression),
      ValidationError,
    );
  });

  Deno.test(`an error of the bytes' own source comes through ${compression} as it is`, async () => {
    const bytes = await make();
    const failing = async function* () {
      yield await Promise.resolve(bytes.subarray(0, bytes.length >> 1));
      throw new RangeError("the network is gone");
    };
    await assert.rejects(collect(decompress(failing(), compression)), RangeError);
  });

  Deno.test(`a reader of ${compression} that stops early closes the source`, async () => {
    const bytes = await make();
    let closed = false;
    const source = async function* () {
      try {
        while (true) yield await Promise.resolve(bytes);
      } finally {
        closed = true;
      }
    };
    for await (const _ of decompress(source(), compression)) break;
    await new Promise((resolve) => setTimeout(resolve));
    assert.ok(closed);
  });
}

Deno.test("what only Parquet has, and what is for reading only, is refused", () => {
  assert.throws(() => decompress(inChunks(TEXT), "snappy"), ConfigurationError);
  for (const compression of ["snappy", "bz2", "xz"] as const) {
    assert.throws(() => compress(inChunks(TEXT), compression), ConfigurationError);
  }
});

/** 30 MB of the letter a in bz2, in blocks of about 5 MB each. */
const LETTERS = Uint8Array.fromBase64(
  "QlpoMTFBWSZTWbD5lL4ADQSBAKAAAAggACCkCDSoKjEqCo5igrJMprNh8yl8ABoJAgFAAAAQQABBSBBpUFRiVBUc" +
    "xQVkmU1mw+ZS+AA0EgQCgAAAIIAAgpAg0qCoxKgqOYoKyTKazYfMpfAAaCQIBQAAAEEAAQUgQaVBUYlQVHMUFZJl" +
    "NZsPmUvgANBIEAoAAACCAAIKQINKgqMSoKjmKCskymsuz1jEQARQKCAQAQQAAAEEAAYZgTVNOrQClW1QClXi7kin" +
    "ChIIYRiNoA==",
);

Deno.test("bz2 is unpacked block by block, and between two blocks others have a turn", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const chunks: number[] = [];
  for await (const chunk of decompress(inChunks(LETTERS), "bz2")) chunks.push(chunk.length);
  clearInterval(timer);
  assert.equal(chunks.reduce((sum, size) => sum + size), 30_000_000);
  assert.ok(Math.max(...chunks) < 6_000_000, `${chunks}`);
  assert.ok(turns > 0);
});
