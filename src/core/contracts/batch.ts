/** The unit in which records move. */
import type { RecordBatch } from "apache-arrow";

/** Records in columns: an Arrow record batch whose schema `src/arrow` made. */
export type Batch = RecordBatch;
