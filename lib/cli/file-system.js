'use strict';

// What lies under a folder: the kind of file system, and who may write there.

const { readFileSync, statSync, statfsSync } = require('node:fs');

/** File systems of other machines: locks and renames may not reach them. */
const REMOTE = /^(?:nfs|cifs|smb|9p|afs|ceph|fuse\.|virtiofs|lustre|gfs|ocfs)/;

/**
 * The mount that a path lies on, by Linux's own list; null on other systems.
 * @param {string} path absolute, without links
 * @returns {{ type: string, mountPoint: string } | null}
 */
function mountOf(path) {
  let text;
  try {
    text = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return null;
  }
  let found = null;
  for (const line of text.split('\n')) {
    // 36 35 98:0 / /mnt rw,noatime master:1 - ext3 /dev/root rw
    const [left, right] = line.split(' - ');
    if (right === undefined) continue;
    const mountPoint = left
      .split(' ')[4]
      .replace(/\\(\d{3})/g, (_, code) => String.fromCharCode(Number.parseInt(code, 8)));
    const below =
      path === mountPoint || path.startsWith(mountPoint.endsWith('/') ? mountPoint : `${mountPoint}/`);
    // A later mount hides an earlier one on the same place.
    if (below && mountPoint.length >= (found?.mountPoint.length ?? 0))
      found = { type: right.split(' ')[0], mountPoint };
  }
  return found;
}

/**
 * @param {string} path absolute, without links
 * @returns {{ name: string, remote: boolean, freeBytes: number }}
 */
function fileSystemOf(path) {
  const { type, bavail, bsize } = statfsSync(path);
  const name = mountOf(path)?.type ?? `type 0x${type.toString(16)}`;
  return { name, remote: REMOTE.test(name), freeBytes: bavail * bsize };
}

/**
 * Who beside the owner may write into a folder.
 * @param {string} path
 * @returns {string} empty if nobody may, or if the system has no such modes
 */
function othersMayWrite(path) {
  if (process.platform === 'win32') return '';
  const { mode } = statSync(path);
  return [mode & 0o002 ? 'everybody' : '', mode & 0o020 ? 'the group' : ''].find(Boolean) ?? '';
}

module.exports = { fileSystemOf, mountOf, othersMayWrite };
