/** Copies staged files unchanged to the target, verified by SHA-256. */
import { createHash } from "node:crypto";
import type {
  CheckWritten,
  FilestoreConnector,
  NewFile,
} from "../../../core/contracts/connector.ts";
import type { StagedFile } from "../../../core/contracts/buffer.ts";
import { LoaderError, VerificationError } from "../../../core/errors.ts";
import type { LoadReceipt } from "../../../core/contracts/loader.ts";
import type { FileLoadTask } from "./loaders.ts";

/**
 * Copies staged files into a folder under their own names, or one staged file to a path. An append
 * never replaces a file: it skips an identical one, and throws for a different one.
 */
export async function copyFiles(
  connector: FilestoreConnector,
  task: FileLoadTask,
): Promise<LoadReceipt> {
  const { target, staged, mode } = task;
  const { files } = await staged.committed();
  const bytes = files.reduce((sum, { size }) => sum + size, 0);
  const receipt = {
    rows: files.length,
    evidence: `${files.length} file${
      files.length === 1 ? "" : "s"
    }, ${bytes} bytes in "${target.path}", SHA-256 equal`,
  };
  if (target.type === "file") {
    await copyOne(connector, task, target.path, files);
    return receipt;
  }
  const names = new Map(files.map((file) => [file, safeName(file)]));
  const existing = new Map(
    mode === "replace" ? [] : (await connector.list({
      type: "directory",
      path: target.path,
      recursive: true,
    })).map((entry) => [entry.name, entry.path]),
  );
  const missing: NewFile[] = [];
  for (const [file, name] of names) {
    const path = existing.get(name);
    if (path !== undefined) await refuseDifferent(connector, path, file);
    else missing.push({ name, ...copy(connector, task, file) });
  }
  if (missing.length > 0 || mode === "replace") {
    await connector.writeFolder(target.path, missing, mode, task.claim);
  }
  return receipt;
}

async function copyOne(
  connector: FilestoreConnector,
  task: FileLoadTask,
  path: string,
  files: readonly StagedFile[],
): Promise<void> {
  const [file, second] = files;
  if (file === undefined || second !== undefined) {
    throw new LoaderError(
      `Cannot copy ${files.length} files to "${path}": expected one, or a folder as target`,
    );
  }
  const [existing] = task.mode === "append" ? await connector.list({ type: "file", path }) : [];
  if (existing !== undefined) return await refuseDifferent(connector, path, file);
  const { bytes, check } = copy(connector, task, file);
  await connector.write(path, bytes(), check, task.claim);
}

function copy(connector: FilestoreConnector, { staged, signal }: FileLoadTask, file: StagedFile) {
  return {
    async *bytes() {
      for await (const chunk of await staged.openFile(file.name)) {
        signal.throwIfAborted();
        yield chunk;
      }
    },
    check: (async (path) => {
      if (await isSame(connector, path, file)) return;
      throw new VerificationError(
        `Cannot verify the copy of "${targetName(file)}": size or SHA-256 differ from the stage`,
      );
    }) satisfies CheckWritten,
  };
}

async function refuseDifferent(
  connector: FilestoreConnector,
  path: string,
  file: StagedFile,
): Promise<void> {
  if (await isSame(connector, path, file)) return;
  throw new LoaderError(
    `Cannot add "${
      targetName(file)
    }": "${path}" exists with different content, load mode replace replaces it`,
  );
}

async function isSame(
  connector: FilestoreConnector,
  path: string,
  { size, sha256 }: StagedFile,
): Promise<boolean> {
  const digest = createHash("sha256");
  let read = 0;
  await using opened = await connector.openRead(path);
  for await (const chunk of opened.stream()) {
    digest.update(chunk);
    read += chunk.length;
  }
  return read === size && digest.digest("hex") === sha256;
}

const targetName = (file: StagedFile) => file.original_name ?? file.name;

/** @throws {LoaderError} for a name that leads out of the folder */
function safeName(file: StagedFile): string {
  const name = targetName(file);
  const parts = name.split("/");
  const unsafe = parts.some((part) => part === "" || part === "." || part === "..");
  if (!unsafe && !name.includes("\0") && !(Deno.build.os === "windows" && /[\\:]/.test(name))) {
    return name;
  }
  throw new LoaderError(`Cannot write file "${name}": the name leads out of the target folder`);
}
