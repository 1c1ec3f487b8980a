/** The receipts of a pipeline's project, or of a folder. */
import { argument, message, optional, string } from "optique";
import { ConfigurationError } from "../../../core/errors.ts";
import { type FoundReceipt, listReceipts, readReceipt } from "../../../integrity/receipt_files.ts";
import { type Context, openPipeline, type Variables } from "../context.ts";
import * as options from "../options.ts";

export interface ReceiptOptions extends Variables {
  readonly place?: string | undefined;
}

export const receiptsPlace = () =>
  optional(argument(string({ metavar: "PLACE" }), {
    description:
      message`Folder of receipts, a receipt, or a pipeline file whose project has "logging.receipts"; without it the folder "receipts"`,
  }));

/** What is read, and the key that the project signs with. */
export interface Receipts {
  readonly found: readonly FoundReceipt[];
  readonly key?: string | undefined;
}

/**
 * Reads the receipts, the latest first; those of a pipeline are its own.
 *
 * @throws {ConfigurationError} when the place does not exist, and when a pipeline's project has no folder for them
 */
export async function openReceipts(
  { place = "receipts", ...variables }: ReceiptOptions,
  context: Context,
): Promise<Receipts> {
  if (!/\.ya?ml$/.test(place)) return { found: await readPlace(place) };
  const { logging, pipeline } = await openPipeline(place, variables, context);
  if (logging?.receipts === undefined) {
    throw new ConfigurationError(
      `Cannot find receipts of "${place}": its project has no folder for them, expected "logging: { receipts: FOLDER }" in dxt_project.yaml`,
    );
  }
  // The first run creates the folder.
  const found = await listReceipts(logging.receipts) ?? [];
  return {
    found: found.filter((one) =>
      !("receipt" in one) || one.receipt.result.pipeline === pipeline.name
    ),
    key: logging.receipt_key,
  };
}

async function readPlace(place: string): Promise<FoundReceipt[]> {
  const receipt = place.endsWith(".json") ? await readReceipt(place) : undefined;
  const found = receipt === undefined ? await listReceipts(place) : [receipt];
  if (found !== undefined) return found;
  throw new ConfigurationError(
    `Cannot find receipts in "${place}": no such file or folder, expected a folder, a receipt or a pipeline file`,
  );
}

export const receiptOptions = () => ({ ...options.reading() });
