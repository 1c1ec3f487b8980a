/** The proof that an extraction is complete. */

/**
 * What a source says of a finished extraction. The stage commits nothing without it: a driver's iterator
 * ended normally after half a table when the server died.
 */
export interface CompletionProof {
  /** Records that the source says it sent, those included that were rejected. */
  readonly rows: number;
  /** The source's own words, for example `COPY 347` or `3 files, 120331 bytes`. */
  readonly evidence: string;
  /** Those of the records that were rejected, and so are not staged; the runner adds it. */
  readonly rejected?: number | undefined;
}

/** Batches or files, ended by the source's proof that these were all. */
export type Extraction<T> = AsyncGenerator<T, CompletionProof, void>;
