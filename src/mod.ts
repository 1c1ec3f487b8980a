/**
 * What the author of an external provider imports: the contracts and the values that cross them.
 *
 * @module
 */
export type { Batch } from "./core/batch.ts";
export type { Buffer, StagedData, StageDetails, StagedFile } from "./core/buffer.ts";
export type {
  Access,
  CheckWritten,
  Connector,
  ControlRow,
  DiscoveredStream,
  Estimate,
  FileEntry,
  FilestoreConnector,
  NewFile,
  OpenFile,
  RelationalConnector,
  ServerInfo,
  WatermarkRange,
} from "./core/connector.ts";
export * from "./core/errors.ts";
export type {
  Extractor,
  ExtractTask,
  FileExtractor,
  Projection,
  RecordExtractor,
  SourceFile,
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
export type { Loader, LoadPlan, LoadReceipt, LoadTask, PlannedLoad } from "./core/loader.ts";
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
export type { Transform } from "./core/transform.ts";
export type { MappedType, TypeMapper } from "./core/type_mapper.ts";
export { type DXTRecord, JSONText, type JSONValue, type Value } from "./core/values.ts";
export { DXT_TYPES, type DXTType } from "./models/dtype.ts";
export type { Field } from "./models/field.ts";
export type { Category, StreamRef, StreamSource, StreamTarget } from "./models/source.ts";
export type { LoadMode } from "./models/stream.ts";
/** Schemas of connections and options: dxt's own instance, which its checks expect. */
export { z } from "zod";
