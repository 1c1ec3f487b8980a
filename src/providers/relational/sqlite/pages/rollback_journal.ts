/**
 * The rollback journal of a database without a table.
 * https://www.sqlite.org/fileformat2.html#the_rollback_journal
 */
import { closeSync, fsyncSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import type { DatabaseFile } from "../sql/database_file.ts";
import { PAGE } from "./btree_writer.ts";

const MAGIC = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
const SECTOR = 512;
const PAGES_BEFORE = 16;
/** Where the cells of the schema are counted in its page. */
const SCHEMA_CELLS = 103;

const journalPath = ({ path }: DatabaseFile) => `${path}-journal`;

/** A journal with one page. While it exists and no lock is held, SQLite restores the page before it reads. */
export class RollbackJournal {
  readonly #path: string;
  readonly #file: number;

  constructor(database: DatabaseFile, page: Uint8Array) {
    this.#path = journalPath(database);
    const bytes = new Uint8Array(SECTOR + 4 + PAGE + 4);
    const view = new DataView(bytes.buffer);
    bytes.set(MAGIC);
    // One page is put back, the checksum's first summand is 0, there was one page.
    view.setUint32(8, 1);
    view.setUint32(PAGES_BEFORE, 1);
    view.setUint32(20, SECTOR);
    view.setUint32(24, PAGE);
    view.setUint32(SECTOR, 1);
    bytes.set(page, SECTOR + 4);
    view.setUint32(SECTOR + 4 + PAGE, checksum(page));
    this.#file = openSync(this.#path, "w");
    writeSync(this.#file, bytes);
    fsyncSync(this.#file);
  }

  /** From here on the file is as it is. */
  commit(): void {
    // That a file is gone may come to the disk late, that it is void must not.
    writeSync(this.#file, new Uint8Array(SECTOR), 0, SECTOR, 0);
    fsyncSync(this.#file);
    closeSync(this.#file);
    rmSync(this.#path);
  }
}

/** Of every 200th byte, from the end. */
function checksum(page: Uint8Array): number {
  let sum = 0;
  for (let at = page.length - 200; at > 0; at -= 200) sum += page[at]!;
  return sum;
}

/** Whether a transaction is going on before which the database had one page, without a table. */
export function hasHotJournal(database: DatabaseFile): boolean {
  const bytes = new Uint8Array(SECTOR + 4 + SCHEMA_CELLS + 2);
  try {
    const file = openSync(journalPath(database), "r");
    try {
      if (readSync(file, bytes) < bytes.length) return false;
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return false;
    throw error;
  }
  const view = new DataView(bytes.buffer);
  return MAGIC.every((byte, i) => bytes[i] === byte) && view.getUint32(PAGES_BEFORE) === 1 &&
    view.getUint32(SECTOR) === 1 && view.getUint16(SECTOR + 4 + SCHEMA_CELLS) === 0;
}
