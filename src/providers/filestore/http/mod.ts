/**
 * The provider of files behind HTTP. Paths in sources are relative to the connection's URL; they
 * lead to one file each, since HTTP lists none. The query of the URL goes with each request.
 */
import { z } from "zod";
import type { FilestoreConnector } from "../../../core/contracts/connector.ts";
import { defineProvider } from "../../../core/contracts/provider.ts";
import { parseHost } from "../../../models/permissions.ts";
import { TIMEOUT_KEYS } from "../../transport/connection_keys.ts";
import { decode } from "../../transport/connection_url.ts";
import { formatHost } from "../../transport/http_request.ts";
import { fileExtractorClass, undividedRecordExtractorClass } from "../classes.ts";
import { spoolPermissions } from "./spool.ts";

const text = z.string().min(1);

const Config = z.strictObject({
  url: text.refine(isHTTP, "expected a URL such as https://host/folder/")
    .describe("URL that paths are relative to, as links in a page are; its query is always sent"),
  user: text.optional().describe("User name for basic authentication"),
  password: text.optional().describe("Password for basic authentication"),
  token: text.optional().describe("Token for bearer authentication"),
  hosts: z.array(
    z.string().refine((host) => parseHost(host) !== undefined, "expected host or host:port"),
  ).default([]).describe(
    "Other hosts that the server may redirect to: host or host:port (default: none)",
  ),
  inactivity_timeout: TIMEOUT_KEYS.inactivity_timeout,
}).refine(({ token, user }) => token === undefined || user === undefined, {
  path: ["token"],
  message: "expected either token, or user and password",
});
export type HTTPConfig = z.infer<typeof Config>;

export default defineProvider<HTTPConfig, FilestoreConnector>({
  name: "http",
  category: "filestore",
  description: "Files behind HTTP, for reading",
  config: Config,
  urls: { schemes: ["http", "https"], parse: parseURL },
  async connect(config, context) {
    const { HTTPConnector } = await import("./connector.ts");
    return new HTTPConnector(config, context);
  },
  permissions: ({ url, hosts }, { baseDirectory }) => ({
    net: [formatHost(new URL(url)), ...hosts],
    ...spoolPermissions(baseDirectory),
  }),
  extractors: {
    HttpRecordExtractor: undividedRecordExtractorClass,
    HttpFileExtractor: fileExtractorClass,
  },
  loaders: {},
});

function isHTTP(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? "");
}

/** Moves a login out of the URL, into keys whose values are secret. */
function parseURL(written: string): Record<string, string> {
  const url = URL.parse(written);
  // The schema reports it.
  if (url === null) return { url: written };
  const login = { user: decode(url.username), password: decode(url.password) };
  [url.username, url.password] = ["", ""];
  const given = Object.entries(login).filter(([, value]) => value !== "");
  return { url: url.href, ...Object.fromEntries(given) };
}
