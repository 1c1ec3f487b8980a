/** Names a remote file by its URL and the headers of its response, so that the name shows its format. */
import { ConnectorError } from "../../../core/errors.ts";
import { detectFormat } from "../../../formats/mod.ts";

const ENDING_BY_TYPE: Readonly<Record<string, string>> = {
  "text/csv": ".csv",
  "text/tab-separated-values": ".tsv",
  "application/json": ".json",
  "application/jsonl": ".jsonl",
  "application/x-ndjson": ".jsonl",
  "application/vnd.apache.parquet": ".parquet",
  "application/vnd.apache.arrow.file": ".arrow",
};

/** Endings that a content encoding adds to the name of a file. */
const ENDING_BY_ENCODING: Readonly<Record<string, RegExp>> = {
  gz: /^(x-)?gzip$/i,
  zst: /^zstd$/i,
};

/**
 * Returns the last part of the first URL whose ending names a format; else that of the first URL
 * with an ending for the content type.
 */
export function nameFile(urls: readonly URL[], headers: Headers): string {
  const names = urls.map(({ pathname }) => pathname.slice(pathname.lastIndexOf("/") + 1));
  const named = names.find((name) => detectFormat(name).format !== undefined);
  const [type = ""] = (headers.get("content-type") ?? "").toLowerCase().split(";");
  return withEncoding(
    named ?? `${names[0] || "file"}${ENDING_BY_TYPE[type.trim()] ?? ""}`,
    headers.get("content-encoding") ?? "identity",
  );
}

/** The bytes are kept as they were sent: CSV that was sent in gzip is a file .csv.gz. */
function withEncoding(name: string, encoding: string): string {
  if (encoding === "identity") return name;
  const [ending] = Object.entries(ENDING_BY_ENCODING).find(([, known]) => known.test(encoding)) ??
    [];
  if (ending === undefined) {
    throw new ConnectorError(
      `Cannot read "${name}": the server encodes it as "${encoding}", expected gzip, zstd or none`,
    );
  }
  return name.toLowerCase().endsWith(`.${ending}`) ? name : `${name}.${ending}`;
}
