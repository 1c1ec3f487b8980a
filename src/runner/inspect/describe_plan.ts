/** Describes a pipeline as dxt reads it: each stream with its classes and settings, planned without connections. */
import { isSettingsKey, type LoadedPipeline, maskSettings } from "../../config/mod.ts";
import { SECRET_KEY } from "../../core/errors.ts";
import type { Endpoint } from "../plan/endpoint.ts";
import { planPipeline } from "../plan/pipeline_plan.ts";

/** A JSON value. Settings of connections and classes are masked; the caller masks what else may be secret. */
export async function describePlan(loaded: LoadedPipeline): Promise<object> {
  const { source, target, streams } = await planPipeline(loaded);
  return JSON.parse(JSON.stringify(
    {
      pipeline: loaded.pipeline.name,
      source: describeEndpoint(source),
      target: describeEndpoint(target),
      streams: streams.map((plan) => {
        const { stream, extractor, loader, transforms, mode, buffer, stageDirectory } = plan;
        return {
          ...stream,
          ...{ source: plan.source, target: plan.target, mode, buffer, stage: stageDirectory },
          extractor: { class: extractor.name, config: extractor.options },
          loader: { class: loader.name, config: loader.options, guarantee: loader.modes[mode] },
          transforms: transforms.map(({ name, options }) => ({ class: name, config: options })),
          shares_target_with: plan.sharedWith,
        };
      }),
    },
    (key, value) => {
      if (typeof value === "bigint") return String(value);
      if (isSettingsKey(key)) return maskSettings(value);
      return SECRET_KEY.test(key) ? "***" : value;
    },
  ));
}

function describeEndpoint({ module, config }: Endpoint): object {
  return { provider: module, config };
}
