/** Records that are rejected before they are staged: counted, and written as dead letters beside the stage. */
import { valueReaders } from "../../../../arrow/mod.ts";
import type { Batch } from "../../../../core/contracts/batch.ts";
import type {
  Projection,
  RecordRejections,
  RejectedRecord,
} from "../../../../core/contracts/extractor.ts";
import { DXTError, messageOf, ValueError } from "../../../../core/errors.ts";
import { formatValue } from "../../../../core/values/values.ts";
import type { Field } from "../../../../models/field.ts";
import type { DeadLetter } from "../../../../models/stored.ts";
import type { RejectionRules } from "../../extract_spec.ts";
import { refuseExcess } from "../../max_errors.ts";

/** Takes dead letters, in their order. */
export interface LetterSink {
  append(letter: DeadLetter): void;
}

export class RejectedRecords implements RecordRejections {
  /** Records that the extractor has rejected. */
  count = 0;
  /** All records that were rejected. */
  total = 0;
  readonly #guessed: ReadonlySet<string>;

  constructor(
    private readonly rules: RejectionRules,
    projections: readonly Projection[],
    private readonly sink: LetterSink,
    /** Whether the whole source is read: a part does not know the rows before it. */
    private readonly isWhole: boolean,
  ) {
    const guessed = projections.filter(({ guess }) => guess !== undefined);
    this.#guessed = new Set(guessed.map(({ field }) => field.name));
  }

  get takesMalformed(): boolean {
    return this.rules.extract;
  }

  takesValue(error: ValueError): boolean {
    return this.rules[this.#stepOf(error)];
  }

  rejectValue(error: ValueError, record: RejectedRecord): void {
    this.count++;
    this.rejectRow(error, record);
  }

  /** Rejects a row that the extractor has yielded. */
  rejectRow(error: ValueError, record: RejectedRecord): void {
    const { field, value, message } = error;
    const kind = value === null ? "null" : "value";
    this.#append({ ...this.#describe(record), step: this.#stepOf(error), kind, field, message });
  }

  rejectMalformed(message: string, record: RejectedRecord): void {
    this.count++;
    this.#append({ ...this.#describe(record), step: "extract", kind: "syntax", message });
  }

  /** Whether a row is rejected if a transform throws this error for it. */
  takesThrown(error: unknown): boolean {
    // An error of dxt is no verdict on a row, except for a value that is not of its field's type.
    return this.rules.transform &&
      (!(error instanceof DXTError) || error.name === ValueError.name);
  }

  /** Rejects the row of a batch for which a transform has thrown. */
  rejectThrown(error: unknown, row: RejectedRecord): void {
    const message = messageOf(error);
    this.#append({ ...this.#describe(row), step: "transform", kind: "transform", message });
  }

  #stepOf({ field }: ValueError): "extract" | "transform" {
    return this.#guessed.has(field) ? "extract" : "transform";
  }

  #describe(
    { file, row, line, record, text }: RejectedRecord,
  ): Pick<DeadLetter, "file" | "row" | "line" | "record" | "text"> {
    const isNumbered = row !== undefined && (this.isWhole || file !== undefined);
    return {
      file: file ?? "",
      ...(isNumbered ? { row } : {}),
      ...(line === undefined ? {} : { line }),
      ...(record === undefined ? {} : { record }),
      ...(text === undefined ? {} : { text }),
    };
  }

  #append(letter: DeadLetter): void {
    this.total++;
    refuseExcess(this.total, this.rules.maxErrors, undefined);
    this.sink.append(letter);
  }
}

/** The values of a row of a batch as text, by the names of its fields. */
export function formatRow(
  batch: Batch,
  fields: readonly Field[],
): (row: number) => Record<string, string | null> {
  const readers = valueReaders(batch, fields);
  return (row) =>
    Object.fromEntries(fields.map(({ name, dtype }, i) => {
      const value = readers[i]!(row);
      return [name, value === null ? null : formatValue(value, dtype)];
    }));
}
