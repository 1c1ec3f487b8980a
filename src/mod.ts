/**
 * What the author of an external provider imports: the contracts and the values that cross them.
 *
 * @module
 */
export type { Batch } from "./core/batch.ts";
export type { Buffer, StagedData, StageDetails, StagedFile } from "./core/buffer.ts";
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
} from "./core/connector.ts";
export * from "./core/errors.ts";
export {
  type Extractor,
  type ExtractTask,
  type FileExtractor,
  type Part,
  type Partition,
  type Projection,
  type RecordExtractor,
  type Records,
  type SourceFile,
  undivided,
} from "./core/extractor.ts";
export {
  type Conversion,
  type ConversionKind,
  convert,
  EXACT,
  type FieldConversion,
  lossy,
  WIDENED,
} from "./core/conversion.ts";
export {
  type Loader,
  type LoadPlan,
  type LoadReceipt,
  type LoadTask,
  type PlannedLoad,
  unshared,
} from "./core/loader.ts";
export { fieldsOf, valueOf } from "./core/loose_value.ts";
export { hostOf } from "./core/permissions.ts";
export { plainTypes } from "./core/plain_types.ts";
export type { CompletionProof, Extraction } from "./core/proof.ts";
export {
  type ConnectContext,
  defineProvider,
  type ExtractorClass,
  type LoaderClass,
  type Permissions,
  type Provider,
  type Usage,
} from "./core/provider.ts";
export type { Transform, TransformClass, TransformTools } from "./core/transform.ts";
export type { MappedType, TypeMapper } from "./core/type_mapper.ts";
export { type DXTRecord, JSONText, type JSONValue, type Value } from "./core/values.ts";
export { DXT_TYPES, type DXTType } from "./models/dtype.ts";
export type { Field } from "./models/field.ts";
export type { Category, StreamRef, StreamSource, StreamTarget } from "./models/source.ts";
export type { LoadMode } from "./models/stream.ts";
/** Schemas of connections and options: dxt's own instance, which its checks expect. */
export { z } from "zod";
