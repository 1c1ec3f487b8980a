/** `dxt operators list`: prints providers, extractors and loaders with their options. */
import { argument, choice, merge, message, object, option, optional } from "optique";
import { guaranteesText } from "../../../models/guarantee.ts";
import { CATEGORIES } from "../../../models/source.ts";
import type { Context } from "../../app/context.ts";
import { EXIT } from "../../terminal/exit_codes.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";
import type { Operator } from "../../app/operator_catalog.ts";
import type { Printer } from "../../output/printer.ts";
import type { Cell } from "../../output/table.ts";

const parser = merge(
  object({
    action: optional(argument(choice(["list"], { metavar: "list" }), {
      description: message`The only action, which may be left out`,
    })),
  }),
  object("Options", {
    category: optional(option("-c", "--category", choice(CATEGORIES, { metavar: "CATEGORY" }), {
      description: message`Only operators of this category, for example relational or filestore`,
    })),
    ...options.outputOptions(),
  }),
);

export const operators = defineCommand(
  "operators",
  parser,
  (values, context) => printOperators(values.category, context),
  {
    operands: "[list]",
    brief: message`Show providers, extractors and loaders with their options`,
    description:
      message`Lists the providers for source and target and the classes for extractor and loader, each with its options: name, type and meaning. An option with * is required.`,
    examples: [
      "dxt operators list",
      "dxt operators list --category relational",
      "dxt operators list --output json",
    ],
  },
);

const COLUMNS = [
  { title: "option", least: Infinity },
  { title: "type", wraps: true, least: 16 },
  { title: "meaning", wraps: true, least: 20 },
] as const;

async function printOperators(
  category: string | undefined,
  { printer }: Context,
): Promise<number> {
  const { PROVIDER_NAMES, loadProvider } = await import("../../../providers/resolve.ts");
  const { listOperators } = await import("../../app/operator_catalog.ts");
  const providers = await Promise.all(PROVIDER_NAMES.map(loadProvider));
  const entries = listOperators(providers)
    .filter((operator) => category === undefined || operator.category === category);
  if (entries.length === 0) printer.warning(`no operators of category "${category}" exist`);
  printer.results({
    name: "operators",
    entries,
    about: {},
    table: () => entries.forEach((operator) => printOperator(operator, printer)),
  });
  return EXIT.done;
}

/** Prints a line for the operator; below it a loader's guarantees, and a table of its options. */
function printOperator(operator: Operator, printer: Printer): void {
  const { name, kind, description, modes, options } = operator;
  printer.paragraph(`${name} (${kind}): ${description}`, 2);
  if (modes !== undefined) printer.result(`  ${guaranteesText(modes)}`);
  if (options.length === 0) return;
  const rows = options.map(({ name, type, required, description }) =>
    [`${name}${required ? "*" : ""}`, type, description].map((text): Cell => ({ text }))
  );
  printer.table(COLUMNS, rows, "  ");
}
