/** `dxt receipt verify`: checks the receipts of runs, and their signatures. */
import { argument, choice, type InferValue, merge, message, object } from "optique";
import { ConfigurationError, messageOf } from "../../../core/errors.ts";
import { findContradiction } from "../../../integrity/receipt.ts";
import type { FoundReceipt } from "../../../integrity/receipt_files.ts";
import { findTampering, readReceiptKey, type ReceiptKey } from "../../../integrity/sign_receipt.ts";
import type { Context } from "../../app/context.ts";
import { defineCommand } from "../../app/define_command.ts";
import * as options from "../../app/options.ts";
import { openReceipts, placeArgument } from "../../app/stored/receipts.ts";
import { EXIT } from "../../terminal/exit_codes.ts";

const parser = merge(
  object({
    action: argument(choice(["verify"], { metavar: "verify" }), {
      description: message`Verify receipts`,
    }),
    place: placeArgument(),
  }),
  object("Options", {
    keyFile: options.textOption(
      "--key-file",
      "FILE",
      message`File with the key that signed: the secret, or PEM of the public or private Ed25519 key (default: "logging.receipt_key" of the project)`,
    ),
    ...options.reading(),
  }),
);

type ReceiptOptions = InferValue<typeof parser>;

export const receipt = defineCommand(
  "receipt",
  parser,
  verifyReceipts,
  {
    operands: "verify [PLACE]",
    brief: message`Verify the receipts of runs, and their signatures`,
    description:
      message`Checks that each receipt is complete and as it was written, that source, stage and target of each stream agree, and, with a key, that it was signed with it. The exit code is 4 if a check fails.`,
    examples: [
      "dxt receipt verify shop.yaml",
      "dxt receipt verify receipts --key-file public.pem",
    ],
  },
);

async function verifyReceipts(
  { keyFile, ...chosen }: ReceiptOptions,
  context: Context,
): Promise<number> {
  const { printer } = context;
  const { found, readKey } = await openReceipts(chosen, context);
  const text = keyFile === undefined ? readKey() : await readKeyFile(keyFile);
  if (text !== undefined) printer.hide([text]);
  const key = text === undefined ? undefined : readReceiptKey(text);
  const entries = found.map((one) => checkReceipt(one, key));
  const failed = entries.filter(({ problem }) => problem !== undefined);
  printer.results({
    name: "receipts",
    entries,
    about: { signatures: key === undefined ? "not checked" : "checked" },
    table: () => {},
  });
  for (const { path, problem } of failed) printer.error(`Cannot trust "${path}": ${problem}`);
  const checked = `${entries.length - failed.length} of ${entries.length} receipts are proven`;
  printer.progress(
    "receipt",
    key === undefined ? `${checked}; without a key, forged ones are not noticed` : checked,
  );
  return failed.length === 0 ? EXIT.done : EXIT.mismatch;
}

function checkReceipt(
  one: FoundReceipt,
  key: ReceiptKey | undefined,
): { readonly path: string; readonly problem?: string } {
  const { path } = one;
  if ("problem" in one) return { path, problem: one.problem };
  const problem = findContradiction(one.receipt.result) ?? findTampering(one.receipt, key);
  return problem === undefined ? { path } : { path, problem };
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    throw new ConfigurationError(`Cannot read the key file "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}
