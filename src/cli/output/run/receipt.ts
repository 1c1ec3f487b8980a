/** The receipt that a run writes when it ends, if a folder for receipts is set. */
import { messageOf } from "../../../core/errors.ts";
import { PendingReceipt } from "../../../integrity/receipt_files.ts";
import { readSigningKey, type SigningKey, signReceipt } from "../../../integrity/sign_receipt.ts";
import type { LogSettings } from "../../../models/pipeline.ts";
import type { RunReceipt, RunResult } from "../../../models/result.ts";
import type { Printer } from "../printer.ts";

/** Writes the receipt of one run. Disposing it removes the file of a run that ended without a result. */
export class RunReceiptWriter implements Disposable {
  readonly #key: SigningKey | undefined;
  readonly #pending: PendingReceipt | undefined;

  /** @throws {ConfigurationError} when the key or the folder cannot be used; nothing has been moved then */
  constructor(
    { receipts, receipt_key }: LogSettings,
    private readonly about: Pick<RunReceipt, "phase" | "file" | "plan"> & {
      readonly run_id: string;
    },
    private readonly printer: Printer,
  ) {
    this.#key = receipt_key === undefined ? undefined : readSigningKey(receipt_key);
    this.#pending = receipts === undefined ? undefined : new PendingReceipt(receipts, about.run_id);
  }

  /** Warns if the receipt cannot be written, as on a full disk: what the run moved is in the target. */
  onEnd(result: RunResult): void {
    if (this.#pending === undefined) return;
    const { run_id: _, ...about } = this.about;
    try {
      const receipt = { ...about, result: this.printer.masked(result) as RunResult };
      this.#pending.write(this.#key === undefined ? receipt : signReceipt(receipt, this.#key));
    } catch (error) {
      this.printer.warning(`Cannot write the receipt of the run: ${messageOf(error)}`);
    }
  }

  [Symbol.dispose](): void {
    this.#pending?.[Symbol.dispose]();
  }
}
