/** Writes the dead letters of a load: they appear only if the load commits. */
import { isUnknownOutcome, VerificationError } from "../../core/errors.ts";
import { countUnstaged, type StagedFiles } from "../../core/contracts/buffer.ts";
import type { LoadReceipt } from "../../core/contracts/loader.ts";
import type { LetterWriter } from "../../integrity/dead_letters.ts";
import type { HostReceipt } from "../../integrity/receipt.ts";
import type { Field } from "../../models/field.ts";
import type { DeadLetter } from "../../models/stored.ts";
import type { RunContext } from "../contract/run_context.ts";
import type { StreamPlan } from "../plan/pipeline_plan.ts";
import type { LetterBox } from "../worker/connection_client.ts";

/** Letters that are written at once. */
const CHUNK = 100;

/** Publishes or removes the letters of a load that was in doubt, now that its outcome is known. */
export async function settleLetters(
  { letters: { folder } }: StreamPlan,
  runId: string,
  isCommitted: boolean,
): Promise<void> {
  const { listLetters, publishLetters } = await import("../../integrity/dead_letters.ts");
  for (const { path, header, isInDoubt } of await listLetters(folder)) {
    if (!isInDoubt || header.run_id !== runId) continue;
    if (isCommitted) publishLetters(path);
    else await Deno.remove(path);
  }
}

/** The letters of one load: of records that its stage lacks, and of rows that its target refuses. */
export class LoadLetters {
  #writer: LetterWriter | undefined;
  #unstaged = 0;
  #failure: unknown;

  constructor(
    private readonly plan: StreamPlan,
    private readonly context: Pick<RunContext, "runId" | "startedAt">,
  ) {}

  /**
   * Opens the dead letters for rows that the target refuses.
   *
   * @param fields of the stage
   */
  async open(fields: readonly Field[]): Promise<LetterBox> {
    const writer = await this.#open(fields);
    return {
      append: (letters) => {
        // `append` runs in a message handler: `seal` throws its error.
        try {
          if (this.#failure === undefined) writer.append(letters);
        } catch (error) {
          this.#failure = error;
        }
      },
      seal: () =>
        Promise.try(() => {
          if (this.#failure !== undefined) throw this.#failure;
          writer.seal();
        }),
    };
  }

  /**
   * Adds the letters of records that were rejected before they were staged. Called when the stage is committed;
   * the load may commit when this resolves, since they are on disk then.
   */
  async addUnstaged(staged: StagedFiles): Promise<void> {
    const { rejected = [], fields } = staged;
    if (rejected.length === 0) return;
    const writer = await this.#open(fields);
    const { readStagedLetters } = await import("../../integrity/dead_letters.ts");
    for (const { name } of rejected) {
      let letters: DeadLetter[] = [];
      const flush = () => {
        writer.append(letters);
        this.#unstaged += letters.length;
        letters = [];
      };
      for await (const letter of readStagedLetters(name, await staged.openFile(name))) {
        if (letters.push(letter) === CHUNK) flush();
      }
      flush();
    }
    writer.seal();
    const declared = countUnstaged(staged);
    if (this.#unstaged === declared) return;
    throw new VerificationError(
      `Cannot prove the extraction: ${declared} records were rejected, but ${this.#unstaged} are dead letters`,
    );
  }

  /** Gives the file its name, after the load has committed. */
  publish(receipt: LoadReceipt): HostReceipt {
    const writer = this.#writer;
    if (writer === undefined) return receipt;
    const { rows, reasons } = writer;
    const path = writer.publish();
    this.#writer = undefined;
    if (path === undefined) return receipt;
    const unstaged = this.#unstaged === 0 ? {} : { unstaged: this.#unstaged };
    return { ...receipt, letters: { rows, ...unstaged, reasons, dead_letters: path } };
  }

  /** Removes the file of a load that failed; keeps it hidden where its outcome is not known. */
  withdraw(error: unknown): void {
    if (isUnknownOutcome(error)) this.#writer?.keep();
    else this.#writer?.discard();
    this.#writer = undefined;
    this.#unstaged = 0;
  }

  async #open(fields: readonly Field[]): Promise<LetterWriter> {
    const { pipeline, stream, letters: { folder } } = this.plan;
    const { LetterWriter } = await import("../../integrity/dead_letters.ts");
    const at = this.context.startedAt.toString({ smallestUnit: "millisecond" });
    const { runId: run_id } = this.context;
    const header = { version: 1, pipeline, stream: stream.id, run_id, at } as const;
    return this.#writer ??= new LetterWriter(folder, { ...header, fields: [...fields] });
  }
}
