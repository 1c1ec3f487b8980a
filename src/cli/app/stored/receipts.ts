/** The receipts that `dxt runs` and `dxt receipt` read. */
import { argument, message, optional, string } from "optique";
import { ConfigurationError } from "../../../core/errors.ts";
import { type FoundReceipt, listReceipts, readReceipt } from "../../../integrity/receipt_files.ts";
import { type Context, openPipeline, type Variables } from "../context.ts";

export interface ReceiptPlace extends Variables {
  readonly place?: string | undefined;
}

export const placeArgument = () =>
  optional(argument(string({ metavar: "PLACE" }), {
    description:
      message`Folder of receipts, one receipt, or a pipeline file whose project sets "logging.receipts" (default: the folder "receipts")`,
  }));

/** Receipts, and the key with which the project signs them. */
export interface Receipts {
  readonly found: readonly FoundReceipt[];
  readonly key?: string | undefined;
}

/**
 * Reads the receipts of a folder, a file, or a pipeline, the latest first.
 *
 * @throws {ConfigurationError} when the place does not exist, and when a pipeline's project has no folder for them
 */
export async function openReceipts(
  { place = "receipts", ...variables }: ReceiptPlace,
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
