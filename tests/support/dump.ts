/** Restores what pg_dump wrote, where no psql is at hand. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import postgres from "postgres";

/** Runs a dump's statements, and feeds its `COPY … FROM stdin` with the lines that follow each. */
export async function restoreDump(url: string, dump: string): Promise<void> {
  const client = postgres(url, { max: 1, onnotice: () => {} });
  try {
    let rest = dump;
    while (true) {
      const copy = /^COPY .* FROM stdin;\n/m.exec(rest);
      const before = copy === null ? rest : rest.slice(0, copy.index);
      await client.unsafe(before);
      if (copy === null) return;
      const start = copy.index + copy[0].length;
      const end = rest.indexOf("\\.\n", start);
      const statement = copy[0].trim().replace(/;$/, "");
      const writable = await client.unsafe(statement).writable();
      await pipeline(Readable.from([rest.slice(start, end)]), writable);
      rest = rest.slice(end + 3);
    }
  } finally {
    await client.end();
  }
}
