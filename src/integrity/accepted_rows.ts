/** A stage without the rows that its load has rejected. */
import { filterBatch, Summarizer } from "../arrow/mod.ts";
import type { StagedData, StageTotals } from "../core/contracts/buffer.ts";
import type { RowsSummary } from "../models/summary.ts";

/**
 * Returns a stage whose totals, and whose `scanBatches`, leave out rejected rows. `readBatches` reads all rows.
 *
 * @param rejected numbers of the rejected rows, from 1; it may grow
 */
export function omitRejected(staged: StagedData, rejected: ReadonlySet<number>): StagedData {
  let summarized: { readonly size: number; readonly summary: RowsSummary } | undefined;
  const scanBatches = async function* () {
    let before = 0;
    for await (const batch of staged.scanBatches()) {
      const first = before + 1;
      before += batch.numRows;
      const kept = filterBatch(batch, (row) => !rejected.has(first + row));
      if (kept.numRows > 0) yield kept;
    }
  };
  const summarize = async (whole: RowsSummary) => {
    if (summarized?.size !== rejected.size) {
      const level = whole.digest === undefined ? "aggregates" : "full";
      const summarizer = new Summarizer(staged.fields, level);
      for await (const batch of scanBatches()) summarizer.add(batch);
      summarized = { size: rejected.size, summary: summarizer.summarize()! };
    }
    return summarized.summary;
  };
  return {
    ...staged,
    scanBatches,
    async committed(): Promise<StageTotals> {
      const totals = await staged.committed();
      if (rejected.size === 0) return totals;
      const { summary } = totals;
      return {
        ...totals,
        count: totals.count - rejected.size,
        ...(summary === undefined ? {} : { summary: await summarize(summary) }),
      };
    },
  };
}
