import { type Breaks, refused } from './hands.ts';

/*
 * How a hand breaks what each step of containerd keeps, and those steps that read otherwise where it is the runtime.
 */

const CONFIG = '/etc/containerd/config.toml';
const MORE = '/etc/containerd/conf.d';
const LIST = '/etc/apt/sources.list.d/docker.list';

export const CONTAINERD_BREAKS: Readonly<Record<string, Breaks>> = {
  'preflight/other-runtime': [
    {
      how: 'a socket of CRI-O',
      by: `mkdir -p /run/crio; perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un("/run/crio/crio.sock")) or die'`,
      ends: refused(/crio\.sock/, 'rm -r /run/crio'),
    },
  ],
  'packages/docker-key': [
    { how: 'the key is gone', by: 'rm /etc/apt/keyrings/docker.asc' },
    { how: 'another key', by: 'echo other >>/etc/apt/keyrings/docker.asc' },
  ],
  'packages/docker-list': [
    { how: 'the file is gone', by: `rm ${LIST}` },
    { how: 'another release', by: `sed -i 's/ stable$/ test/' ${LIST}` },
  ],
  'packages/installed': [
    {
      how: 'another version, free to move',
      by: 'emptyPackage containerd.io 0.1-1; dpkg -i --force-downgrade,confold /tmp/containerd.io.deb; apt-mark unhold containerd.io',
      also: { 'packages/hold': 'apt would not put back what is held' },
      alone: 'with its program nothing else of it can be asked',
    },
  ],
  'packages/hold': [{ how: 'it is free to move', by: 'apt-mark unhold containerd.io' }],
  'runtime/containerd-config': [
    {
      how: 'the file of the package is back',
      by: `printf 'disabled_plugins = ["cri"]\\n' >${CONFIG}; systemctl restart containerd`,
    },
    { how: 'cgroups of its own', by: `sed -i 's/SystemdCgroup = true/SystemdCgroup = false/' ${CONFIG}` },
    { how: 'another pause image', by: `sed -i 's/pause:[0-9.]*/pause:3.1/' ${CONFIG}` },
    { how: 'the file is gone', by: `rm ${CONFIG}` },
    { how: 'somebody else may write it', by: `chmod 0666 ${CONFIG}` },
  ],
  'runtime/containerd-last-word': [
    {
      how: 'a file that is read later switches the cgroups back',
      by: `printf 'version = 3\\n[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]\\nSystemdCgroup = false\\n' >${MORE}/99-mine.toml`,
      also: { 'runtime/containerd': 'the file is newer than its start' },
      ends: refused(/SystemdCgroup = false[^]*must say true/, `rm ${MORE}/99-mine.toml`),
    },
    {
      how: 'a file nobody can read',
      by: `echo 'version = = 3' >${MORE}/99-mine.toml`,
      also: { 'runtime/containerd': 'the file is newer than its start' },
      ends: refused(/not what it can read/, `rm ${MORE}/99-mine.toml`),
    },
  ],
  'runtime/crictl': [
    { how: 'the file is gone', by: 'rm /etc/crictl.yaml' },
    {
      how: 'the socket of CRI-O',
      by: "sed -i 's#^runtime-endpoint:.*#runtime-endpoint: unix:///var/run/crio/crio.sock#' /etc/crictl.yaml",
    },
  ],
  'runtime/containerd': [
    { how: 'stopped, and not started at boot', by: 'systemctl disable -q --now containerd' },
    { how: 'a file newer than its start', by: `touch ${CONFIG}` },
    { how: 'its socket is gone', by: 'rm /run/containerd/containerd.sock' },
  ],
  'runtime/answers': [
    {
      how: 'it runs, and hangs',
      by: 'systemctl kill --kill-whom=main -s STOP containerd',
      ends: { letGo: 'systemctl kill --kill-whom=main -s CONT containerd' },
      alone: 'what hangs makes everything that asks it wait',
    },
  ],
};
