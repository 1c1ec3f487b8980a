/**
 * Gives a file the mode and owner of the file that it replaces, and never more rights. The runtime
 * cannot set access lists and extended attributes; the defaults of the folder apply.
 */

/** Mode of a new file or folder until it has its final mode. */
const PRIVATE = { file: 0o600, folder: 0o700 } as const;

const SET_USER = 0o4000;
const SET_GROUP = 0o2000;

/** Creates an empty file with mode and owner of `old`; without `old` the umask applies. */
export async function createFileLike(
  path: string,
  old: Deno.FileInfo | undefined,
): Promise<Deno.FsFile> {
  const mode = readMode(old) === undefined ? {} : { mode: PRIVATE.file };
  const file = await Deno.open(path, { write: true, createNew: true, ...mode });
  try {
    await copyAccess(path, old);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/** Like {@linkcode createFileLike}, for a folder. */
export async function createFolderLike(
  path: string,
  old: Deno.FileInfo | undefined,
): Promise<void> {
  await Deno.mkdir(path, readMode(old) === undefined ? {} : { mode: PRIVATE.folder });
  await copyAccess(path, old);
}

/**
 * Gives a new file or folder the mode and owner of an old one. If the owner cannot be changed, which
 * only root may do, set-user and set-group are dropped, and a different group gets no more rights
 * than everybody had.
 */
async function copyAccess(path: string, old: Deno.FileInfo | undefined): Promise<void> {
  let mode = readMode(old);
  if (old === undefined || mode === undefined) return;
  const own = await Deno.stat(path);
  const hasOwner = own.uid === old.uid && own.gid === old.gid ||
    await changeOwner(path, old.uid, old.gid);
  if (!hasOwner) {
    mode &= ~SET_USER;
    const hasGroup = own.gid === old.gid || await changeOwner(path, null, old.gid);
    if (!hasGroup) mode = dropGroupBits(mode);
  }
  await changeMode(path, mode);
}

/** Permission bits; undefined if the system has none. */
function readMode(info: Deno.FileInfo | undefined): number | undefined {
  return info === undefined || info.mode === null || Deno.build.os === "windows"
    ? undefined
    : info.mode & 0o7777;
}

/** Reduces the rights of the group to those of everybody. */
export function dropGroupBits(mode: number): number {
  const everybody = (mode & 0o7) << 3;
  return mode & ~SET_GROUP & (~0o070 | everybody);
}

/** Changes the owner; returns false when the system refuses, since only root may. */
async function changeOwner(path: string, uid: number | null, gid: number | null): Promise<boolean> {
  try {
    await Deno.chown(path, uid, gid);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable || error instanceof Deno.errors.NotFound) {
      throw error;
    }
    return false;
  }
}

/** Changes the mode. A file system with a fixed mode is accepted if that mode allows no more. */
async function changeMode(path: string, mode: number): Promise<void> {
  try {
    await Deno.chmod(path, mode);
  } catch (error) {
    const now = readMode(await Deno.stat(path)) ?? 0;
    if ((now & ~mode) !== 0) throw error;
  }
}
