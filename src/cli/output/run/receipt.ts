/** The receipt that a run writes when it ends, if a folder for receipts is set. */
import { messageOf } from "../../../core/errors.ts";
import { ReceiptFolder } from "../../../integrity/receipt_files.ts";
import { readSigningKey, sealReceipt, type SigningKey } from "../../../integrity/sign_receipt.ts";
import type { LogSettings } from "../../../models/pipeline.ts";
import type { RunReceipt, RunResult } from "../../../models/result.ts";
import type { Printer } from "../printer.ts";

/** Writes the receipt of one run. */
export class RunReceiptWriter {
  readonly #key: SigningKey | undefined;
  readonly #folder: ReceiptFolder | undefined;

  /** @throws {ConfigurationError} when the key or the folder cannot be used; nothing has been moved then */
  constructor(
    { receipts, receipt_key }: LogSettings,
    private readonly about: Pick<RunReceipt, "phase" | "file" | "plan"> & {
      readonly run_id: string;
    },
    private readonly printer: Printer,
  ) {
    this.#key = receipt_key === undefined ? undefined : readSigningKey(receipt_key);
    this.#folder = receipts === undefined ? undefined : new ReceiptFolder(receipts, about.run_id);
  }

  /** Warns if the receipt cannot be written, as on a full disk: what the run moved is in the target. */
  onEnd(result: RunResult): void {
    if (this.#folder === undefined) return;
    const { run_id: _, ...about } = this.about;
    try {
      const receipt = { ...about, result: this.printer.masked(result) as RunResult };
      this.#folder.write(sealReceipt(receipt, this.#key));
    } catch (error) {
      this.printer.warning(`Cannot write the receipt of the run: ${messageOf(error)}`);
    }
  }
}
