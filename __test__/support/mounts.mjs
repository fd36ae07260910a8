/** Small file systems of our own, unmounted when the test is over; skipped, with the reason, where that is not allowed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, onTestFinished } from 'vitest';
import { folder } from './folder.mjs';
import { ours } from './implementations.mjs';

const run = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
const has = (command) => !spawnSync(command, ['-V'], { stdio: 'ignore' }).error;

/** Why no file system can be mounted here, or null. */
const reason = (() => {
  if (ours === null) return 'only the original is tested';
  if (process.platform !== 'linux') return 'this is for Linux';
  if (process.getuid() !== 0) return 'only root may mount';
  // A mount that is not seen by anybody else and ends with its command.
  const probe = spawnSync('unshare', ['-m', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { stdio: 'ignore' });
  return probe.status === 0 ? null : 'mounting is not permitted';
})();

/** Why no disk of this type can be made, or null. */
function diskReason(type) {
  if (reason !== null) return reason;
  if (!has(`mkfs.${type}`)) return `there is no mkfs.${type}`;
  const probe = spawnSync('losetup', ['-f'], { stdio: 'ignore' });
  return probe.status === 0 ? null : 'there are no loop devices';
}

const named = (title, why) => (why === null ? title : `${title} (skipped: ${why})`);

export const describeMounts = (title, suite) => describe.skipIf(reason !== null)(named(title, reason), suite);

/** A suite on disks of a type; `cuts`: whether it cuts their power. */
export function describeDisks(title, type, suite, { cuts = false } = {}) {
  const why = diskReason(type) ?? (cuts && !has('xfs_io') ? 'there is no xfs_io (package xfsprogs)' : null);
  describe.skipIf(why !== null)(named(`${title} on ${type}`, why), suite);
}

function unmount(path) {
  // Lazily: a process that a failed test left behind must not keep it.
  spawnSync('umount', ['-l', path], { stdio: 'ignore' });
}

/** Mounts a tmpfs of that size; returns its path. */
export function tmpfs(size) {
  const path = join(folder(), 'mount');
  mkdirSync(path);
  run('mount', '-t', 'tmpfs', '-o', `size=${size}`, 'none', path);
  onTestFinished(() => unmount(path));
  return path;
}

/** A folder that is also seen in a second place, where it may be made read-only: `remount('ro')`, `remount('rw')`. */
export function bind() {
  const home = folder();
  const [real, shown] = ['real', 'shown'].map((name) => join(home, name));
  for (const path of [real, shown]) mkdirSync(path);
  run('mount', '--bind', real, shown);
  onTestFinished(() => unmount(shown));
  return { real, shown, remount: (how) => run('mount', '-o', `remount,bind,${how}`, shown) };
}

/** A file with a file system in it. */
export class Disk {
  #image;
  #type;

  constructor(type, megabytes) {
    const home = folder();
    this.#type = type;
    this.#image = join(home, 'image');
    this.path = join(home, 'mount');
    mkdirSync(this.path);
    writeFileSync(this.#image, '');
    truncateSync(this.#image, megabytes << 20);
    run(`mkfs.${type}`, '-q', ...(type === 'ext4' ? ['-F', '-m', '0'] : []), this.#image);
    onTestFinished(() => {
      unmount(this.path);
      rmSync(this.#image, { force: true });
    });
    this.mount();
  }

  mount() {
    // The loop device goes away with the mount.
    run('mount', '-t', this.#type, '-o', 'loop', this.#image, this.path);
  }

  unmount() {
    run('umount', this.path);
  }

  /** Ends all writing at this instant, as a power cut does: what is not on the disk is gone. */
  cutPower() {
    run('xfs_io', '-x', '-c', 'shutdown', this.path);
  }

  /** Brings the power back: mounts anew, whereby the file system recovers. */
  restorePower() {
    this.unmount();
    this.mount();
  }
}
