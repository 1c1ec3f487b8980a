/**
 * Who may read a file that takes the place of another: the same as before, never more. Access lists
 * and extended attributes are out of the runtime's reach: what the folder gives by default holds.
 */

/** Mode of a file or folder that nobody else may open yet. */
const PRIVATE = { file: 0o600, folder: 0o700 } as const;

const SET_USER = 0o4000;
const SET_GROUP = 0o2000;

/** Makes an empty file for the place of `old`, with its mode and owner; without one the umask rules. */
export async function makeFile(path: string, old: Deno.FileInfo | undefined): Promise<Deno.FsFile> {
  const mode = modeOf(old) === undefined ? {} : { mode: PRIVATE.file };
  const file = await Deno.open(path, { write: true, createNew: true, ...mode });
  try {
    await takeAccess(path, old);
    return file;
  } catch (error) {
    file.close();
    throw error;
  }
}

/** As {@linkcode makeFile}, a folder. */
export async function makeFolderLike(path: string, old: Deno.FileInfo | undefined): Promise<void> {
  await Deno.mkdir(path, modeOf(old) === undefined ? {} : { mode: PRIVATE.folder });
  await takeAccess(path, old);
}

/**
 * Gives a new file or folder the mode and the owner of an old one. An owner that only root may set
 * stays the writer: then set-user and set-group go, and a group that is another has no more rights
 * than everybody had.
 */
async function takeAccess(path: string, old: Deno.FileInfo | undefined): Promise<void> {
  let mode = modeOf(old);
  if (old === undefined || mode === undefined) return;
  const own = await Deno.stat(path);
  const kept = own.uid === old.uid && own.gid === old.gid ||
    await changeOwner(path, old.uid, old.gid);
  if (!kept) {
    mode &= ~SET_USER;
    const keptGroup = own.gid === old.gid || await changeOwner(path, null, old.gid);
    if (!keptGroup) mode = dropGroupBits(mode);
  }
  await changeMode(path, mode);
}

/** Permission bits; undefined where the system has none. */
function modeOf(info: Deno.FileInfo | undefined): number | undefined {
  return info === undefined || info.mode === null || Deno.build.os === "windows"
    ? undefined
    : info.mode & 0o7777;
}

/** The group's rights cut down to those that everybody has. */
export function dropGroupBits(mode: number): number {
  const everybody = (mode & 0o7) << 3;
  return mode & ~SET_GROUP & (~0o070 | everybody);
}

/** Whether the system lets the owner be changed: only root gives files away. */
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

/** Some file systems have one mode for all files: it may stay where it allows no more. */
async function changeMode(path: string, mode: number): Promise<void> {
  try {
    await Deno.chmod(path, mode);
  } catch (error) {
    const now = modeOf(await Deno.stat(path)) ?? 0;
    if ((now & ~mode) !== 0) throw error;
  }
}
