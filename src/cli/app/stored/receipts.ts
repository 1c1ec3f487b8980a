/** The receipts that `dxt runs` and `dxt receipt` read. */
import { argument, message, optional, string } from "optique";
import { ConfigurationError } from "../../../core/errors.ts";
import { type FoundReceipt, listReceipts, readReceipt } from "../../../integrity/receipt_files.ts";
import { type Context, type Variables, variableSources } from "../context.ts";

export interface ReceiptPlace extends Variables {
  readonly place?: string | undefined;
}

/** Where receipts are if neither the command nor a project says. */
const FOLDER = "receipts";

export const placeArgument = () =>
  optional(argument(string({ metavar: "PLACE" }), {
    description:
      message`Folder of receipts, one receipt, or a pipeline file whose project sets "logging.receipts" (default: the folder of the project here, or else "receipts")`,
  }));

/** Receipts, and the key with which the project signs them. */
export interface Receipts {
  readonly found: readonly FoundReceipt[];
  /** @throws {LocatedError} when a variable in the key is not set */
  readKey(): string | undefined;
}

/**
 * Reads the receipts of a folder, a file, a pipeline or the project here, the latest first.
 *
 * @throws {ConfigurationError} when the place does not exist, and when a pipeline's project has no folder for them
 */
export async function openReceipts(
  { place, ...variables }: ReceiptPlace,
  context: Context,
): Promise<Receipts> {
  const file = place !== undefined && /\.ya?ml$/.test(place) ? place : undefined;
  if (place !== undefined && file === undefined) {
    return { found: await readPlace(place), readKey: () => undefined };
  }
  const { loadReceiptSettings } = await import("../../../config/mod.ts");
  const { folder, pipeline, readKey } = await loadReceiptSettings(
    file,
    variableSources(variables, context),
  );
  if (folder === undefined && file !== undefined) {
    throw new ConfigurationError(
      `Cannot find receipts of "${file}": its project has no folder for them, expected "logging: { receipts: FOLDER }" in dxt_project.yaml`,
    );
  }
  // The first run creates the folder that a project names.
  const found = folder === undefined ? await readPlace(FOLDER) : await listReceipts(folder) ?? [];
  return {
    found: found.filter((one) =>
      pipeline === undefined || !("receipt" in one) || one.receipt.result.pipeline === pipeline
    ),
    readKey,
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
