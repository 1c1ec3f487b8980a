/** A plan's ends as plain data, for a thread. */
import type { StreamPlan } from "./plan.ts";
import type { Endpoint } from "./endpoint.ts";
import type { PlainEndpoint } from "./jobs.ts";

export function plainSource(plan: StreamPlan, source: Endpoint): PlainEndpoint {
  return plain(source, source.provider.extractors, plan.extractor, plan.extractorOptions);
}

export function plainTarget(plan: StreamPlan, target: Endpoint): PlainEndpoint {
  return plain(target, target.provider.loaders, plan.loader, plan.loaderOptions);
}

function plain<T>(
  { provider, config, baseDirectory }: Endpoint,
  classes: Readonly<Record<string, T>>,
  chosen: T,
  options: unknown,
): PlainEndpoint {
  const name = Object.keys(classes).find((name) => classes[name] === chosen)!;
  return { provider: provider.name, config, baseDirectory, class: name, options };
}
