/** Transforms in the worker that runs them, and their client in the worker that reads the source. */
import {
  arrowSchema,
  BatchBuilder,
  batchesToIPC,
  batchFromIPC,
  readRecords,
} from "../../../arrow/mod.ts";
import type { Batch } from "../../../core/contracts/batch.ts";
import { DXTError, ValidationError } from "../../../core/errors.ts";
import type { Transform, TransformTools } from "../../../core/contracts/transform.ts";
import { Field } from "../../../models/field.ts";
import { type Thrown, toError } from "../../../sandbox/messages.ts";
import { externalTransform } from "./external_classes.ts";
import type { PlainClass } from "./protocol.ts";

/** The steps that were opened, each with the fields that it gives. */
interface Opened {
  readonly before: readonly Field[];
  readonly steps: readonly { readonly transform: Transform; readonly after: readonly Field[] }[];
}

let opened: Opened | undefined;

const TOOLS: TransformTools = {
  recordsOf: readRecords,
  batchOf(fields, records) {
    const builder = new BatchBuilder(fields, { rows: Infinity, bytes: Infinity });
    for (const record of records) builder.push(record);
    return builder.take();
  },
};

export async function openTransforms(
  { steps: classes, fields }: { steps: readonly PlainClass[]; fields: readonly Field[] },
): Promise<Field[]> {
  const steps: Opened["steps"][number][] = [];
  let after: readonly Field[] = fields;
  for (const { module, name, options } of classes) {
    const found = await externalTransform(module!, name);
    const transform = found.create(options, TOOLS);
    after = transform.fields(after).map((field) => Field.parse(field));
    steps.push({ transform, after });
  }
  opened = { before: fields, steps };
  return [...after];
}

/** @throws {ValidationError} when a step does not keep to its fields, or to the number of records */
export async function transform(bytes: Uint8Array): Promise<Uint8Array> {
  if (opened === undefined) throw new DXTError("Cannot transform: no transform is open");
  let batch = batchFromIPC(bytes, opened.before);
  const rows = batch.numRows;
  for (const { transform, after } of opened.steps) {
    batch = await transform.apply(batch);
    if (batch.numRows !== rows) {
      throw new ValidationError(
        `Cannot transform: ${rows} records came, ${batch.numRows} went; a transform keeps their number`,
      );
    }
    if (batch.data.children.length !== after.length) {
      throw new ValidationError(
        `Cannot transform: a batch has ${batch.data.children.length} columns, expected ${after.length}`,
      );
    }
  }
  const fields = opened.steps.at(-1)?.after ?? opened.before;
  return batchesToIPC(arrowSchema(fields), [batch]);
}

/** The reply for a batch that was sent to the transforms. */
export type Transformed =
  & { readonly id: number }
  & ({ readonly bytes: Uint8Array } | { readonly failed: Thrown });

/** Transforms that run in another worker, batch by batch. */
export class FarTransform implements Transform {
  readonly #waiting = new Map<number, (answer: Transformed) => void>();
  #last = 0;

  constructor(
    private readonly before: readonly Field[],
    private readonly after: readonly Field[],
    private readonly send: (batch: { readonly id: number; readonly bytes: Uint8Array }) => void,
  ) {}

  fields(): Field[] {
    return [...this.after];
  }

  async apply(batch: Batch): Promise<Batch> {
    const id = ++this.#last;
    const answer = await new Promise<Transformed>((resolve) => {
      this.#waiting.set(id, resolve);
      this.send({ id, bytes: batchesToIPC(arrowSchema(this.before), [batch]) });
    });
    if ("failed" in answer) throw toError(answer.failed);
    const after = batchFromIPC(answer.bytes, this.after);
    if (after.numRows === batch.numRows) return after;
    throw new ValidationError(
      `Cannot transform: ${batch.numRows} records went, ${after.numRows} came back`,
    );
  }

  /** The answer for a batch. */
  receive(answer: Transformed): void {
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
  }
}
