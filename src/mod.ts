/**
 * What the author of an external provider imports: the contracts and the values that cross them.
 *
 * @module
 */
export type { Batch } from "./core/contracts/batch.ts";
export type { Buffer, StagedData, StageDetails, StagedFile } from "./core/contracts/buffer.ts";
export {
  type Access,
  type CheckWritten,
  type Connector,
  type ControlRow,
  type DiscoveredStream,
  type Estimate,
  type FileEntry,
  type FilestoreConnector,
  type NewFile,
  type OpenFile,
  type RelationalConnector,
  type ServerInfo,
  type SourceAnswers,
  sourceConnector,
  type WatermarkRange,
} from "./core/contracts/connector.ts";
export * from "./core/errors.ts";
export {
  type ExtractTask,
  type FileExtractor,
  type Part,
  type Partition,
  type Projection,
  type RecordExtractor,
  type Records,
  type SourceFile,
  undivided,
} from "./core/contracts/extractor.ts";
export {
  type Conversion,
  type ConversionKind,
  convert,
  EXACT,
  type FieldConversion,
  lossy,
  WIDENED,
} from "./core/values/conversion.ts";
export {
  type Loader,
  type LoadPlan,
  type LoadReceipt,
  type LoadTask,
  type ParallelLoad,
  type PlannedLoad,
  type SharedLoad,
} from "./core/contracts/loader.ts";
export { fieldsOf, valueOf } from "./core/values/js_values.ts";
export { hostOf } from "./core/permissions.ts";
export type { CompletionProof, Extraction } from "./core/contracts/proof.ts";
export {
  type ConnectContext,
  defineProvider,
  type ExtractorClass,
  type LoaderClass,
  type Permissions,
  type Provider,
  type Usage,
} from "./core/contracts/provider.ts";
export type { Transform, TransformClass, TransformTools } from "./core/contracts/transform.ts";
export { type DXTRecord, JSONText, type JSONValue, type Value } from "./core/values/values.ts";
export { DXT_TYPES, type DXTType } from "./models/dtype.ts";
export type { Field } from "./models/field.ts";
export type { Category, StreamRef, StreamSource, StreamTarget } from "./models/source.ts";
export type { Guarantee, GuaranteedModes } from "./models/guarantee.ts";
export type { LoadMode } from "./models/stream.ts";
/** Schemas of connections and options: dxt's own instance, which its checks expect. */
export { z } from "zod";
