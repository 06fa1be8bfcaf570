/** Why a file or folder cannot be read or written, as one plain phrase instead of the system's code. */

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is not a folder',
  EISDIR: 'this is a folder, not a file',
  EEXIST: 'it is there already',
  ENOSPC: 'no space left on the disk',
  ENAMETOOLONG: 'the name is too long',
};

/** The reason a failed system call gives; undefined for any other error. */
export function systemReason(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return REASONS[String(error.code)];
}

/** The same for a call that was to read or make a file, whatever went wrong. */
export function fileReason(error: unknown): string {
  return systemReason(error) ?? (error instanceof Error ? error.message : String(error));
}
