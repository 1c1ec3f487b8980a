/** Readers of others: DuckDB from npm, pyarrow where a Python has it; and how files of others are read. */
import { fileURLToPath } from "node:url";
import { readFooter } from "../../../src/formats/parquet/reader/footer.ts";
import { openAnyWriter } from "../../../src/formats/parquet/reader/read.ts";
import type { Field } from "../../../src/models/field.ts";
import { inputOf } from "../json/support.ts";
import { floatText, textsOf } from "./support.ts";
import { ignoreIf } from "../../support/ignore.ts";

type Texts = (string | null)[][];

const VERSION = "1.5.5-r.5";
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

async function run(command: string, args: string[], input?: string): Promise<string> {
  const child = new Deno.Command(command, {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input ?? ""));
  await writer.close();
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

export function duckdb(...queries: string[]): Promise<unknown[][][]> {
  const args = ["run", "-A", "--no-lock", here("duckdb.ts"), VERSION];
  return run(Deno.execPath(), args, JSON.stringify(queries)).then((text) => JSON.parse(text));
}

/** Why DuckDB cannot be asked here; where everything must hold, it must be there. */
export const noDuckDB: string | undefined = Deno.env.get("CI") !== undefined
  ? undefined
  : await duckdb("SELECT 1").then(() => undefined, () => "DuckDB cannot be fetched from npm");

/** All rows of a file as DuckDB reads them. */
export async function duckdbTexts(path: string, fields: readonly Field[]): Promise<Texts> {
  const columns = fields.map((field) => textSQL(field)).join(", ");
  const [rows] = await duckdb(`SELECT ${columns} FROM read_parquet('${path}')`);
  return (rows as Texts).map((row) => row.map((text, i) => floatOr(text, fields[i]!)));
}

function textSQL({ name, dtype, scale = 0, precision = 38, uuid }: Field): string {
  const column = `"${name}"${uuid === true ? "::VARCHAR" : ""}`;
  switch (dtype) {
    case "date":
      return `(${column} - DATE '1970-01-01')::VARCHAR`;
    case "time":
    case "timestamp":
    case "timestamp_tz":
      return `epoch_us(${column})::VARCHAR`;
    case "decimal":
      // Its decimals end at 38 digits.
      if (precision > 38) return `CASE WHEN ${column} IS NOT NULL THEN 'wide' END`;
      return `replace(${column}::VARCHAR, '.', '')${scale === 0 ? "" : "::HUGEINT::VARCHAR"}`;
    case "string":
    case "json":
    case "array":
    case "object":
      return `lower(hex(encode(${column})))`;
    case "binary":
      return `lower(hex(${column}))`;
    default:
      return `${column}::VARCHAR`;
  }
}

function floatOr(text: string | null, { dtype }: Field): string | null {
  if (text === null || !dtype.startsWith("float")) return text;
  const value = Number(text.replace("inf", "Infinity"));
  return floatText(dtype === "float32" ? Math.fround(value) : value);
}

export interface PyarrowFile {
  readonly rows: Texts;
  readonly types: string[];
  readonly nullable: boolean[];
  /** Of each column of each row group. */
  readonly statistics: { nulls: number; bounds: [string, string] | null }[][];
}

/** A Python with pyarrow; set DXT_TEST_PYTHON to name one. */
const python = Deno.env.get("DXT_TEST_PYTHON") ?? "python3";

export const noPyarrow: string | undefined = await run(python, ["-c", "import pyarrow"])
  .then(() => undefined, () => `${python} has no pyarrow`);

export async function pyarrow(path: string, fields: readonly Field[]): Promise<PyarrowFile> {
  const file = JSON.parse(await run(python, [here("read.py"), path])) as PyarrowFile;
  const rows = file.rows.map((row) => row.map((text, i) => floatOr(text, fields[i]!)));
  return { ...file, rows };
}

/** All rows of a file as those of other writers are read. */
export async function foreignTexts(bytes: Uint8Array): Promise<{ fields: Field[]; rows: Texts }> {
  const input = inputOf(bytes);
  const file = openAnyWriter(input, await readFooter(input));
  const fields = [...file.fields];
  const rows: Texts = [];
  for await (const batch of file.batches({ batchRows: 1000, batchBytes: 1 << 24 })) {
    rows.push(...textsOf(batch, fields));
  }
  return { fields, rows };
}

/** A test that a reader is needed for; ignored where that is `missing`, which tells why. */
export function readerTest(
  name: string,
  missing: string | undefined,
  fn: () => Promise<void>,
): void {
  Deno.test({ ...ignoreIf(missing, name), fn });
}
