import { mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { cgroupsOf, missingCapabilities, missingTools } from './machine.ts';

describe('missingCapabilities', () => {
  it('is none when all 41 bits are set', () => expect(missingCapabilities('000001ffffffffff')).toEqual([]));
  it('names the bit that is not', () =>
    expect(missingCapabilities('000001fffeffffff')).toEqual(['CAP_SYS_RESOURCE']));
});

describe('cgroupsOf', () => {
  it('knows a v2 machine', () => {
    const mounts = 'cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid,nsdelegate 0 0\n';
    expect(cgroupsOf(mounts)).toEqual({ cgroup: 'v2', controllers: [] });
  });
  it('counts a hybrid machine as v1 and leaves the unified tree out', () => {
    const mounts = [
      'tmpfs /sys/fs/cgroup tmpfs rw 0 0',
      'cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0',
      'cgroup /sys/fs/cgroup/systemd cgroup rw,xattr,name=systemd 0 0',
      'cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0',
    ].join('\n');
    expect(cgroupsOf(mounts)).toEqual({
      cgroup: 'v1',
      controllers: [
        { name: 'systemd', mount: '/sys/fs/cgroup/systemd' },
        { name: 'cpu', mount: '/sys/fs/cgroup/cpu,cpuacct' },
      ],
    });
  });
  it('is v2 when only systemd has a v1 tree of its own', () => {
    const mounts =
      'cgroup /sys/fs/cgroup/systemd cgroup rw,name=systemd 0 0\ncgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0';
    expect(cgroupsOf(mounts).cgroup).toBe('v2');
  });
});

describe('missingTools', () => {
  it('lists packages, each once, of programs not on the path', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'landfall-'));
    for (const program of ['mmdebstrap', 'ssh']) symlinkSync('/bin/true', join(dir, program));
    const missing = await missingTools(dir, []);
    expect(missing).toContain('systemd-container');
    expect(missing.filter((name) => name === 'openssh-client')).toHaveLength(1);
    expect(missing).not.toContain('mmdebstrap');
  });
});
