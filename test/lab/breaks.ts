import { type Breaks, refused, standIn, tell } from './hands.ts';
import { HOST_BREAKS } from './host-breaks.ts';

/*
 * How a hand breaks what each step keeps, on a living host, without Landfall: the step's opposite. The names are those of the
 * list; the tests fail when one is missing here, or is here and not in the list.
 */

const MODULES = '/etc/modules-load.d/landfall.conf';
const SYSCTLS = '/etc/sysctl.d/99-zz-landfall.conf';
const ASIDE = '/etc/systemd/system/apt-.service.d/landfall.conf';
const APT_CONF = '/etc/apt/apt.conf.d';
const NEEDRESTART = '/etc/needrestart/conf.d/zz-landfall.conf';
const COMPLETIONS = '/usr/local/share/bash-completion/completions';
const CRIO = '/etc/crio/crio.conf.d';
const CNI = '/etc/cni/net.d';
const PKI = '/etc/kubernetes/pki';
const FLANNEL = 'kube -n kube-flannel';

const OLD_KERNEL = standIn(
  'uname',
  'if [ "$*" = -r ]; then echo 4.19.0-27-amd64; else exec /usr/bin/uname "$@"; fi',
);
const ONE_CPU = standIn('nproc', 'echo 1');
const OLD_CLOCK = standIn('date', 'exec /usr/bin/date -d 2007-01-01 "$@"');
const OLD_CGROUP = standIn('stat', 'case "$*" in *cgroup*) echo tmpfs ;; *) exec /usr/bin/stat "$@" ;; esac');
const OTHER_KUBEADM = standIn(
  'kubeadm',
  'case "$*" in *validate*) echo \'strict decoding error: unknown field "taints"\' >&2; exit 1 ;; *) exec /usr/bin/kubeadm "$@" ;; esac',
);

const OLD_AUTHORITY = standIn(
  'kubeadm',
  `case "$*" in *check-expiration*) /usr/bin/kubeadm "$@" | sed '/"name": "etcd-ca"/,/residualTime/s/"residualTime": [0-9]*/"residualTime": 8640000/' ;; *) exec /usr/bin/kubeadm "$@" ;; esac`,
);

const LITTLE_MEMORY = tell('/proc/meminfo', 'MemTotal:        1048576 kB\\n');
const NO_MACHINE_ID = tell('/etc/machine-id', 'uninitialized\\n');
const SLOW_ETCD = standIn(
  'bash',
  'case "$*" in *2381*) echo "etcd_disk_wal_fsync_duration_seconds_count 5000" ;; *) exec /usr/bin/bash "$@" ;; esac',
);
/** The device that leads to everybody else. */
const LINK = "ip -o -4 route show default | sed 's/.* dev //; s/ .*//'";

/** A node whose kubelet cannot correct what the API server is told of it, until it goes on. */
const tellOfNode = (status: string): string =>
  `systemctl kill -s STOP kubelet; kube patch node "$(hostname)" --subresource=status --type=strategic -p '{"status":${status}}'`;
/**
 * kubelet has stood still, and starts anew rather than go on: one that has seen controllers end again and again, as they do when the API
 * server is away, lets them wait for minutes.
 */
const KUBELET_GOES_ON = 'systemctl restart kubelet';

const SSHD = '/etc/ssh/sshd_config.d';
const LISTENER =
  'use Socket; socket(my $s, PF_INET, SOCK_STREAM, 0); setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1); bind($s, sockaddr_in(22322, INADDR_ANY)) or die; listen($s, 1); sleep 600';

/** The API server started anew when sed has been at its manifest. */
const apiServerWith = (edit: string): string => `before=$(crictl ps -q --name '^kube-apiserver$')
sed -i '${edit}' /etc/kubernetes/manifests/kube-apiserver.yaml
isAnew() { now=$(crictl ps -q --name '^kube-apiserver$'); [ -n "$now" ] && [ "$now" != "$before" ] && kube get --raw /readyz; }
await isAnew`;

const WHOLE_MANIFEST = 'who makes another flag right makes the whole manifest anew, and this one with it';
const ANEW =
  'etcd and the API server are started anew, by manifests an init that is brought to its end beside it would write';
const HANGS = 'what hangs makes everything that asks it wait';

export const BREAKS: Readonly<Record<string, Breaks>> = {
  ...HOST_BREAKS,
  'preflight/ssh-port': {
    cannot: 'sshd itself holds the port by then',
    fresh: [
      {
        how: 'another program listens there',
        by: `setsid perl -e '${LISTENER}' >/dev/null 2>&1 & echo $! >/run/hand-listener; await listens 22322`,
        ends: refused(/another program listens on port 22322/, 'kill "$(cat /run/hand-listener)"'),
      },
    ],
  },
  'login/port-beside': [
    {
      how: 'sshd is back on its old port',
      by: `rm ${SSHD}/00-landfall-port.conf; sshdAnew`,
      also: { 'login/port': 'it listens on the old one alone' },
      alone: 'where the host is reached changes',
    },
  ],
  'login/answers': {
    cannot: 'it is asked from here when something is about to be closed, and is in no plan',
  },
  'login/port': [
    {
      how: 'the old port is open again',
      by: `echo 'Port 22' >>${SSHD}/00-landfall-port.conf; sshdAnew`,
      alone: 'sshd is told anew',
    },
  ],
  'login/passwords': [
    {
      how: 'passwords are taken again',
      by: `rm ${SSHD}/00-landfall-passwords.conf; sshdAnew`,
      alone: 'sshd is told anew',
    },
    {
      how: 'a file that comes earlier says otherwise',
      by: `echo 'PasswordAuthentication yes' >${SSHD}/00-hand.conf; sshdAnew`,
      ends: refused(/comes before ours/, `rm ${SSHD}/00-hand.conf; sshdAnew`),
    },
  ],
  'login/root': [
    {
      how: 'root may come with a password',
      by: `echo 'PermitRootLogin yes' >${SSHD}/00-landfall-root.conf; sshdAnew`,
      alone: 'sshd is told anew',
    },
  ],
  'preflight/root': {
    cannot: 'a login that is not root, and cannot become it, is refused before any step is read',
  },
  'preflight/system': [
    {
      how: 'the release says it is another',
      by: `keep /usr/lib/os-release; sed -i 's/^VERSION_ID=.*/VERSION_ID="10"/' /usr/lib/os-release`,
      ends: refused(/never tried/, 'back /usr/lib/os-release'),
    },
  ],
  'preflight/tools': [
    {
      how: 'a program is missing',
      by: 'mv /usr/sbin/modprobe /usr/sbin/modprobe.away',
      ends: refused(/missing: modprobe/, 'mv /usr/sbin/modprobe.away /usr/sbin/modprobe'),
    },
  ],
  'preflight/systemd': {
    cannot:
      'a machine does not change its init while it runs, and without systemd no script of ours could be started',
  },
  'preflight/cgroup': [
    {
      how: 'the old cgroups, conceded by nobody',
      by: `keep /etc/landfall-lab; sed -i /^cgroup-v1/d /etc/landfall-lab; ${OLD_CGROUP.by}`,
      ends: refused(/unified_cgroup_hierarchy/, `back /etc/landfall-lab; ${OLD_CGROUP.mend}`),
    },
  ],
  'preflight/kernel': [
    {
      how: 'an old kernel, with the same modules',
      by: `ln -s "$(uname -r)" /lib/modules/4.19.0-27-amd64; ${OLD_KERNEL.by}`,
      ends: refused(/is older than 5\.13/, `${OLD_KERNEL.mend}; rm /lib/modules/4.19.0-27-amd64`),
    },
  ],
  'preflight/mainline-kernel': [
    {
      how: 'the headers of a mainline kernel',
      by: 'emptyPackage linux-headers-6.5.3-060503-generic 6.5.3-060503.1; dpkg -i /tmp/linux-headers-6.5.3-060503-generic.deb',
      ends: refused(
        /mainline: linux-headers-6\.5\.3-060503-generic[^]*apt-get purge/,
        'dpkg --purge linux-headers-6.5.3-060503-generic',
      ),
    },
  ],
  'preflight/cpus': [{ how: 'one CPU', by: ONE_CPU.by, ends: refused(/has one CPU/, ONE_CPU.mend) }],
  'preflight/memory': [
    {
      how: 'one GiB',
      by: LITTLE_MEMORY.by,
      ends: refused(/1024 MiB[^]*too little memory/, LITTLE_MEMORY.mend),
    },
  ],
  'preflight/disk': [
    {
      how: 'little room is left',
      by: `fallocate -l "$(df -PB1 /var/lib | awk 'NR == 2 { printf "%.0f", $4 - $2 * 0.13 }')" /var/lib/filler`,
      ends: refused(/MiB free of/, 'rm /var/lib/filler'),
      alone: 'with so little room kubelet clears away the images of what other breaks have stopped',
    },
  ],
  'preflight/clock': [
    { how: 'the clock is years behind', by: OLD_CLOCK.by, ends: refused(/2007-01-01/, OLD_CLOCK.mend) },
  ],
  'preflight/etcd-disk': [
    {
      how: 'etcd tells of a disk slower than the mildest judge bears',
      by: SLOW_ETCD.by,
      ends: refused(/etcd's writes took longer[^]*keeps the disk busy/, SLOW_ETCD.mend),
    },
  ],
  'preflight/address': [
    {
      how: 'the address is not one for others',
      by: `readdress 'scope link'`,
      ends: refused(/not on this host/, `readdress 'scope global'`),
    },
  ],
  'preflight/networks': [
    {
      how: 'a route into the network of the Services',
      by: `ip route add 10.96.77.0/24 via "$(ip route show default | cut -d ' ' -f 3)"`,
      ends: refused(/route 10\.96\.77\.0\/24 overlaps/, 'ip route del 10.96.77.0/24'),
    },
  ],
  'preflight/ports': [
    {
      how: 'another program on the port of the scheduler',
      by: `keep /etc/kubernetes/manifests/kube-scheduler.yaml; rm /etc/kubernetes/manifests/kube-scheduler.yaml
isFree() { ! ss -Hltn sport = :10259 | grep -q .; }
await isFree
systemd-run -q --unit=hand-port perl -MSocket -e 'socket(S, PF_INET, SOCK_STREAM, 0); setsockopt(S, SOL_SOCKET, SO_REUSEADDR, 1); bind(S, sockaddr_in(10259, INADDR_ANY)) or die; listen(S, 1); sleep 3600'
isTaken() { ss -Hltn sport = :10259 | grep -q .; }
await isTaken`,
      also: {
        'control-plane/init': "the scheduler's manifest had to go, or kubelet would have started it first",
      },
      ends: refused(
        /port 10259: perl/,
        'systemctl stop hand-port; back /etc/kubernetes/manifests/kube-scheduler.yaml',
      ),
    },
  ],
  'preflight/identity': [
    {
      how: 'an image whose machine-id was never written',
      by: NO_MACHINE_ID.by,
      ends: refused(/no machine-id[^]*systemd-machine-id-setup/, NO_MACHINE_ID.mend),
    },
  ],
  'preflight/mtu': [
    {
      how: 'packets too small to carry others',
      by: `link=$(${LINK}); ip link set "$link" mtu 1200`,
      also: { 'preflight/pod-mtu': 'it looks at the same card with the packets of pods in mind' },
      ends: refused(/has 1200[^]*set its mtu/, `link=$(${LINK}); ip link set "$link" mtu 1500`),
    },
  ],
  'preflight/other-cluster': [
    {
      how: 'a folder of k3s',
      by: 'mkdir -p /etc/rancher/k3s',
      ends: refused(/\/etc\/rancher\/k3s/, 'rm -r /etc/rancher'),
    },
    {
      how: 'the mark of another cluster',
      by: 'keep /etc/kubernetes/landfall/cluster; echo elsewhere >/etc/kubernetes/landfall/cluster',
      also: {
        'prepare/owner': 'it is the file with that mark',
        'control-plane/init': 'it finishes what is ours, and nothing else',
      },
      ends: refused(/the cluster elsewhere/, 'back /etc/kubernetes/landfall/cluster'),
    },
  ],
  'preflight/same-data': [
    {
      how: 'the host knows another cluster than its etcd',
      by: 'keep /etc/kubernetes/landfall/kube-system-uid; cat /proc/sys/kernel/random/uuid >/etc/kubernetes/landfall/kube-system-uid',
      also: { 'etcd/identity': 'it is the note of that' },
      ends: refused(/etcd has begun anew, empty/, 'back /etc/kubernetes/landfall/kube-system-uid'),
    },
  ],
  'preflight/version': [
    {
      how: 'a cluster made with another version',
      by: `keep /etc/kubernetes/landfall/kubeadm.yaml; sed -i 's/^kubernetesVersion: .*/kubernetesVersion: v1.35.0/' /etc/kubernetes/landfall/kubeadm.yaml`,
      also: { 'control-plane/kubeadm-config': 'it is the file that says the version' },
      ends: refused(/the cluster runs 1\.35\.0/, 'back /etc/kubernetes/landfall/kubeadm.yaml'),
    },
  ],
  'preflight/network-plugin': [
    {
      how: 'the file of another plugin',
      by: `cp ${CNI}/10-flannel.conflist ${CNI}/10-calico.conflist`,
      also: {
        'runtime/no-stray-networks': 'it is a stray file too',
        'network/conflist': 'it comes before the one of flannel',
      },
      ends: refused(/the cluster has calico/, `rm ${CNI}/10-calico.conflist`),
    },
  ],
  'preflight/pod-mtu': [
    {
      how: 'a device that carries less',
      by: `ip link set "$(${LINK})" mtu 1400`,
      ends: refused(/carries 1400 bytes/, `ip link set "$(${LINK})" mtu 1500`),
      alone: 'it is the card that another break makes smaller still',
    },
  ],
  'preflight/other-runtime': [
    {
      how: 'a socket of containerd',
      by: `mkdir -p /run/containerd; perl -MSocket -e 'socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un("/run/containerd/containerd.sock")) or die'`,
      ends: refused(/containerd\.sock/, 'rm -r /run/containerd'),
    },
  ],
  'preflight/resolver': [
    {
      how: 'a name server on the loopback alone',
      by: "keep /etc/resolv.conf; echo 'nameserver 127.0.0.53' >/etc/resolv.conf",
      ends: refused(/nameserver 127\.0\.0\.53 in \S*resolv\.conf[^]*own servers/, 'back /etc/resolv.conf'),
    },
  ],
  'preflight/reachable': {
    cannot: 'while the packages are there nobody asks for their repositories',
    fresh: [
      {
        how: 'a name that leads astray',
        by: `keep /etc/hosts; sed -i 's/^[0-9.]* pkgs[.]k8s[.]io/127.0.0.1 pkgs.k8s.io/' /etc/hosts`,
        ends: refused(/cannot reach the repository[^]*open https/, 'back /etc/hosts'),
      },
    ],
  },
  'preflight/registries': {
    cannot: 'once there is a cluster nobody asks for its registries',
    fresh: [
      {
        how: 'a name that leads astray',
        by: `keep /etc/hosts; sed -i 's/^[0-9.]* ghcr[.]io/127.0.0.1 ghcr.io/' /etc/hosts`,
        ends: refused(/ghcr\.io\/v2\/[^]*cannot reach the registry[^]*open https/, 'back /etc/hosts'),
      },
    ],
  },

  'prepare/note': [
    {
      how: 'the notes are gone',
      by: 'mv /var/lib/landfall/before /root/kept-before',
      tidy: 'rm -r /var/lib/landfall/before; mv /root/kept-before /var/lib/landfall/before',
    },
  ],
  'prepare/owner': [
    { how: 'for nobody to read', by: 'chmod 0600 /etc/kubernetes/landfall/cluster' },
    { how: 'the mark is gone', by: 'rm /etc/kubernetes/landfall/cluster' },
  ],
  'prepare/dpkg': [
    {
      how: 'an installation cut short',
      by: 'emptyPackage by-hand 1; dpkg --unpack /tmp/by-hand.deb',
      tidy: 'dpkg --purge by-hand',
    },
  ],
  'updates/aside': [
    { how: 'the file is gone', by: `rm ${ASIDE}` },
    { how: 'the condition is gone', by: `sed -i /^ExecCondition/d ${ASIDE}; systemctl daemon-reload` },
  ],
  'system/purged': [
    {
      how: 'a package nobody needs',
      by: 'emptyPackage multipath-tools 1; dpkg -i /tmp/multipath-tools.deb',
    },
  ],
  'system/upgraded': [
    { how: 'nobody knows when', by: 'rm /var/lib/landfall/upgraded' },
    {
      how: 'the note of when is torn',
      by: ': >/var/lib/landfall/upgraded',
      alone: 'apt installs nothing while other packages do not fit each other',
    },
  ],
  'updates/package': [{ how: 'the package is gone', by: 'apt-get -qq -y purge unattended-upgrades' }],
  'updates/settings': [
    { how: 'the file is gone', by: `rm ${APT_CONF}/zz-landfall` },
    { how: 'it may reboot', by: `sed -i '/Automatic-Reboot/s/false/true/' ${APT_CONF}/zz-landfall` },
    {
      how: 'a file that is read later switches it off',
      by: `echo 'APT::Periodic::Unattended-Upgrade "0";' >${APT_CONF}/zzz-mine`,
      ends: refused(/Unattended-Upgrade=0[^]*another file that apt reads later/, `rm ${APT_CONF}/zzz-mine`),
    },
  ],
  'updates/timers': [
    { how: 'one is stopped and disabled', by: 'systemctl disable -q --now apt-daily.timer' },
    { how: 'one is masked', by: 'systemctl mask -q --now apt-daily-upgrade.timer' },
  ],
  'updates/needrestart': [
    { how: 'the file is gone', by: `rm ${NEEDRESTART}` },
    { how: 'it restarts everything', by: `sed -i "s/'l'/'a'/" ${NEEDRESTART}` },
  ],
  'completion/package': [{ how: 'the package is gone', by: 'apt-get -qq -y purge bash-completion' }],
  'completion/enabled': [
    { how: 'the line is gone', by: "sed -i '/ # kept by Landfall$/d' /etc/bash.bashrc" },
    {
      how: 'the file ends before it',
      by: 'keep /etc/bash.bashrc; sed -i 1ireturn /etc/bash.bashrc',
      ends: refused(/something in \/etc\/bash\.bashrc ends it/, 'back /etc/bash.bashrc'),
    },
  ],
  'completion/kubectl': [{ how: 'the file is gone', by: `rm ${COMPLETIONS}/kubectl` }],
  'completion/kubeadm': [{ how: 'another text', by: `echo : >${COMPLETIONS}/kubeadm` }],
  'completion/crictl': [{ how: 'for root alone', by: `chmod 0600 ${COMPLETIONS}/crictl` }],
  'system/rebooted': {
    cannot: 'a member is not rebooted unless cluster.yaml says so; what it does then has a test of its own',
  },

  'prepare/endpoint-name': [
    { how: 'the line is gone', by: "sed -i '/ # kept by Landfall$/d' /etc/hosts" },
    {
      how: 'the line says another address',
      by: "sed -i '/ # kept by Landfall$/s/^[0-9.]*/10.9.9.9/' /etc/hosts",
    },
    {
      how: 'a line of somebody else says another address',
      by: `keep /etc/hosts; sed -n 's/^[0-9.]* \\(.*\\) # kept by Landfall$/10.9.9.9 \\1/p' /etc/hosts >/root/line; cat /root/line /root/kept/etc/hosts >/etc/hosts`,
      ends: refused(/another line of \/etc\/hosts/, 'back /etc/hosts'),
    },
  ],

  'kernel/overlay': [
    { how: 'not loaded at boot', by: `sed -i /^overlay$/d ${MODULES}` },
    {
      how: 'the file is gone',
      by: `rm ${MODULES}`,
      also: { 'kernel/br-netfilter': 'both modules are named in one file' },
    },
  ],
  'kernel/br-netfilter': [{ how: 'not loaded at boot', by: `sed -i /^br_netfilter$/d ${MODULES}` }],
  'kernel/bridge-iptables': [
    { how: 'off now', by: 'sysctl -qw net.bridge.bridge-nf-call-iptables=0' },
    { how: 'not set at boot', by: `sed -i /-call-iptables/d ${SYSCTLS}` },
  ],
  'kernel/bridge-ip6tables': [
    { how: 'off now', by: 'sysctl -qw net.bridge.bridge-nf-call-ip6tables=0' },
    { how: 'not set at boot', by: `sed -i /-call-ip6tables/d ${SYSCTLS}` },
  ],
  'kernel/ip-forward': [
    { how: 'off now', by: 'sysctl -qw net.ipv4.ip_forward=0' },
    { how: 'off at boot', by: `sed -i '/ip_forward/s/1$/0/' ${SYSCTLS}` },
    {
      how: 'off at boot by a file that comes later',
      by: "echo 'net.ipv4.ip_forward = 0' >/etc/sysctl.d/99-zzz-hardening.conf",
      ends: refused(/99-zzz-hardening\.conf/, 'rm /etc/sysctl.d/99-zzz-hardening.conf'),
    },
  ],

  'packages/kubernetes-key': [
    { how: 'another key', by: 'echo other >>/etc/apt/keyrings/kubernetes.asc' },
    {
      how: 'for root alone, where apt reads as another user',
      by: 'chmod 0600 /etc/apt/keyrings/kubernetes.asc',
    },
  ],
  'packages/kubernetes-list': [
    { how: 'the file is gone', by: 'rm /etc/apt/sources.list.d/kubernetes.list' },
    { how: 'for root alone', by: 'chmod 0600 /etc/apt/sources.list.d/kubernetes.list' },
    { how: 'another minor', by: 's=/etc/apt/sources.list.d/kubernetes.list; sed -i s/v1[.][0-9]*/v1.20/ $s' },
  ],
  'packages/crio-key': [{ how: 'the key is gone', by: 'rm /etc/apt/keyrings/cri-o.asc' }],
  'packages/crio-list': [
    { how: 'somebody else may write it', by: 'chmod 0666 /etc/apt/sources.list.d/cri-o.list' },
    { how: 'somebody else owns it', by: 'chown 65534:65534 /etc/apt/sources.list.d/cri-o.list' },
    { how: 'commented out', by: "sed -i 's/^/# /' /etc/apt/sources.list.d/cri-o.list" },
  ],
  'packages/known': [
    {
      how: 'the indexes are gone, and so is a package',
      by: 'rm -f /var/lib/apt/lists/*_*; dpkg --force-depends,hold --remove cri-tools',
      also: {
        'packages/installed': 'apt is asked only while a package is missing',
        'packages/hold': 'a package that is gone is not held',
      },
      alone: 'without crictl half of the readings mean nothing',
    },
  ],
  'packages/installed': [
    { how: 'a companion is gone', by: 'apt-get -qq -y purge nftables' },
    {
      how: 'another version, held',
      by: 'emptyPackage kubernetes-cni 0.1-1.1; dpkg -i --force-downgrade /tmp/kubernetes-cni.deb; apt-mark hold kubernetes-cni',
    },
  ],
  'packages/hold': [
    { how: 'one is free to move', by: 'apt-mark unhold kubectl' },
    {
      how: 'all are free to move',
      by: 'apt-mark unhold kubeadm kubelet kubectl cri-tools kubernetes-cni cri-o',
    },
  ],

  'runtime/no-stray-networks': [
    { how: 'the bridge an old package left', by: `echo '{}' >${CNI}/100-crio-bridge.conflist` },
    {
      how: 'a network of somebody else, before ours',
      by: `echo '{}' >${CNI}/05-mine.conflist`,
      also: { 'network/conflist': 'the runtime takes the first file, and that is another now' },
      ends: refused(/neither known rubbish nor the plugin/, `rm ${CNI}/05-mine.conflist`),
    },
  ],
  'runtime/programs': [
    {
      how: 'the drop-in an old package left',
      by: `printf '[crio.runtime.runtimes.runc]\\nruntime_path = "/usr/lib/cri-o-runc/sbin/runc"\\n' >${CRIO}/01-crio-runc.conf`,
    },
    {
      how: "somebody's own drop-in",
      by: `printf '[crio.runtime.runtimes.mine]\\nruntime_path = "/opt/mine/run"\\n' >${CRIO}/50-mine.conf`,
      ends: refused(/\/opt\/mine\/run is not there/, `rm ${CRIO}/50-mine.conf`),
    },
  ],
  'runtime/state-folder': [{ how: 'the folder is gone', by: 'rm -r /var/lib/crio' }],
  'runtime/pause-image': [
    { how: 'another image', by: `sed -i 's/pause:[0-9.]*/pause:3.1/' ${CRIO}/20-landfall.conf` },
    { how: 'the file is gone', by: `rm ${CRIO}/20-landfall.conf` },
  ],
  'runtime/crictl': [
    { how: 'the file is gone', by: 'rm /etc/crictl.yaml' },
    {
      how: 'another socket',
      by: "sed -i 's#^runtime-endpoint:.*#runtime-endpoint: unix:///run/nobody.sock#' /etc/crictl.yaml",
    },
  ],
  'runtime/crio': [
    { how: 'stopped, and not started at boot', by: 'systemctl disable -q --now crio' },
    { how: 'a file newer than its start', by: `touch ${CRIO}/10-crio.conf` },
    { how: 'its socket is gone', by: 'rm /run/crio/crio.sock' },
  ],
  'runtime/answers': [
    {
      how: 'it runs, and hangs',
      by: 'systemctl kill -s STOP crio',
      ends: { letGo: 'systemctl kill -s CONT crio' },
      alone: HANGS,
    },
  ],
  'runtime/kubelet-enabled': [{ how: 'not started at boot', by: 'systemctl disable -q kubelet' }],

  'control-plane/kubeadm-config': [
    { how: 'for everybody to read', by: 'chmod 0644 /etc/kubernetes/landfall/kubeadm.yaml' },
    {
      how: 'a value changed by hand',
      by: "sed -i 's/nftables/iptables/' /etc/kubernetes/landfall/kubeadm.yaml",
    },
    { how: 'the file is gone', by: 'rm /etc/kubernetes/landfall/kubeadm.yaml' },
  ],
  'control-plane/config-valid': [
    {
      how: 'a kubeadm of another version, earlier on the PATH',
      by: OTHER_KUBEADM.by,
      ends: refused(/another version of kubeadm/, OTHER_KUBEADM.mend),
    },
  ],
  'control-plane/images': [
    {
      how: 'the image of the scheduler is removed, and its container with it',
      by: `image=$(sed -n 's/^ *image: //p' /etc/kubernetes/manifests/kube-scheduler.yaml)
rm /etc/kubernetes/manifests/kube-scheduler.yaml
isGone() { crictl ps -aq --name kube-scheduler | xargs -r crictl rm -f; crictl rmi "$image"; }
await isGone`,
      also: { 'control-plane/init': 'an image in use cannot be removed, so the manifest had to go before' },
    },
  ],
  'control-plane/no-torn-files': [
    { how: 'a key without its end', by: `truncate -s 100 ${PKI}/apiserver-kubelet-client.key` },
    {
      how: 'an empty kubeconfig',
      by: ': >/etc/kubernetes/super-admin.conf',
      also: { 'control-plane/super-admin': 'it is not to be there at all' },
    },
    {
      how: 'the authority of a living cluster',
      by: `keep ${PKI}/ca.key; truncate -s 100 ${PKI}/ca.key`,
      ends: refused(/put \/etc\/kubernetes\/pki back from a backup/, `back ${PKI}/ca.key`),
    },
  ],
  'control-plane/init': [
    { how: 'what kubeadm keeps in the cluster', by: 'kube -n kube-system delete configmap kubelet-config' },
    { how: 'the DaemonSet of kube-proxy', by: 'kube -n kube-system delete daemonset kube-proxy' },
    { how: 'a kubeconfig', by: 'rm /etc/kubernetes/controller-manager.conf' },
  ],
  'control-plane/kubelet': [
    { how: 'stopped', by: 'systemctl stop kubelet' },
    { how: 'settings newer than its start', by: 'touch /var/lib/kubelet/config.yaml' },
  ],
  'control-plane/api-ready': [
    {
      how: 'its port refuses, for a while',
      by: `nft add table inet hand; nft add chain inet hand in '{ type filter hook input priority -10; }'; nft add rule inet hand in tcp dport 6443 reject with tcp reset`,
      ends: { letGo: 'nft delete table inet hand' },
    },
  ],
  'control-plane/node': [
    {
      how: 'another version is told of it, while its kubelet hangs',
      by: tellOfNode('{"nodeInfo":{"kubeletVersion":"v1.20.0"}}'),
      ends: { letGo: KUBELET_GOES_ON },
    },
  ],
  'control-plane/settings': [
    {
      how: 'another domain in the cluster than in cluster.yaml',
      by: `kube -n kube-system get configmap kubeadm-config -o yaml | sed 's/dnsDomain: .*/dnsDomain: example.net/' | kube replace -f -`,
      ends: refused(
        /made with another value than cluster\.yaml/,
        `kube -n kube-system get configmap kubeadm-config -o yaml | sed 's/dnsDomain: .*/dnsDomain: cluster.local/' | kube replace -f -`,
      ),
    },
  ],
  'control-plane/certificates': [
    {
      how: 'one that ends in ten days',
      by: `cd ${PKI}; printf 'keyUsage=critical,digitalSignature,keyEncipherment\\nextendedKeyUsage=clientAuth\\n' >/run/hand.cnf
openssl req -new -key front-proxy-client.key -subj /CN=front-proxy-client |
  openssl x509 -req -CA front-proxy-ca.crt -CAkey front-proxy-ca.key -set_serial 77 -days 10 -extfile /run/hand.cnf -out front-proxy-client.crt`,
      alone: 'the whole control plane is started anew',
    },
    {
      how: 'renewed, and cut short before all had read it',
      by: ': >/etc/kubernetes/landfall/renewing',
      alone: 'the whole control plane is started anew',
    },
  ],
  'control-plane/api-names': [
    {
      how: 'made anew by somebody else, for another name',
      by: `mkdir -m 0700 /run/hand-api; ln -s ${PKI}/ca.crt ${PKI}/ca.key /run/hand-api/
kubeadm init phase certs apiserver --kubernetes-version "$(kubeadm version -o short)" --cert-dir /run/hand-api --apiserver-cert-extra-sans other.example.com
cp /run/hand-api/apiserver.key /run/hand-api/apiserver.crt ${PKI}/; rm -r /run/hand-api`,
      alone: 'until it is made right, kubelet does not know its API server',
    },
  ],
  'endpoint/kept': [
    {
      how: 'another endpoint in the cluster than in cluster.yaml',
      by: `kube -n kube-system get configmap kubeadm-config -o yaml | sed 's/controlPlaneEndpoint: .*/controlPlaneEndpoint: 192.0.2.7:6443/' | kube replace -f -`,
      alone: 'beside a kubeconfig that names another endpoint it would be a move, which is to be confirmed',
    },
    {
      how: 'none in the cluster, as where nobody has thought of it',
      by: `kube -n kube-system get configmap kubeadm-config -o yaml | sed '/controlPlaneEndpoint: /d' | kube replace -f -`,
      alone: 'beside a kubeconfig that names another endpoint it would be a move, which is to be confirmed',
    },
  ],
  'endpoint/answers': {
    cannot: 'it is asked where a kubeconfig names another endpoint: test/lab/endpoint.test.ts',
  },
  'endpoint/kubelet': [
    {
      how: 'its kubeconfig names the endpoint, as older kubeadms had it',
      by: 'sed -i "s#server: .*#server: https://$(sed -n \'s/^controlPlaneEndpoint: //p\' /etc/kubernetes/landfall/kubeadm.yaml)#" /etc/kubernetes/kubelet.conf',
    },
    {
      how: 'written, and cut short before kubelet had read it',
      by: 'mkdir -p /run/landfall/unread; : >/run/landfall/unread/kubelet',
    },
  ],
  'endpoint/kubeconfigs': [
    {
      how: 'admin.conf names the address of the machine',
      alone: 'beside a cluster that keeps no endpoint any more it would be a move, which is to be confirmed',
      by: 'sed -i "s#server: .*#$(grep -o \'server: .*\' /etc/kubernetes/kubelet.conf)#" /etc/kubernetes/admin.conf',
    },
    {
      how: 'the scheduler goes by way of the endpoint',
      by: 'sed -i "s#server: .*#server: https://$(sed -n \'s/^controlPlaneEndpoint: //p\' /etc/kubernetes/landfall/kubeadm.yaml)#" /etc/kubernetes/scheduler.conf',
    },
  ],
  'endpoint/cluster-info': [
    {
      how: 'whoever joins is told of the machine',
      by: `kube -n kube-public get configmap cluster-info -o yaml | sed 's#server: .*#server: https://192.0.2.7:6443#' | kube replace -f -`,
    },
    { how: 'it was taken away', by: 'kube -n kube-public delete configmap cluster-info' },
  ],
  'endpoint/kube-proxy': [
    {
      how: 'it is told of another endpoint',
      by: `kube -n kube-system get configmap kube-proxy -o yaml | sed 's#server: .*#server: https://192.0.2.7:6443#' | kube replace -f -`,
    },
    {
      how: 'written, and cut short before its pods were to read it',
      by: 'kube -n kube-system annotate configmap kube-proxy --overwrite landfall/kubeconfig-written=before',
    },
  ],
  'endpoint/in-pods': [
    {
      how: 'kube-proxy was started when the name led elsewhere',
      by: `sed -i "s#.* \\(api\\.[^ ]*\\).*#192.0.2.7 \\1#" /var/lib/kubelet/pods/*/etc-hosts`,
    },
  ],
  'control-plane/token-issuer': {
    cannot: 'another issuer makes every token in the cluster worthless, for good',
  },
  'control-plane/kept-settings': [
    {
      how: 'kubelets are told to make their own certificates',
      by: `kube -n kube-system get configmap kubelet-config -o yaml | sed '/serverTLSBootstrap/d' | kube replace -f -`,
    },
  ],
  'control-plane/serving-settings': [
    {
      how: 'kubelet is told to make its own',
      by: "sed -i '/serverTLSBootstrap/d' /var/lib/kubelet/config.yaml",
      also: { 'control-plane/kubelet': 'its settings are newer than its start' },
    },
  ],
  'control-plane/approver': [
    { how: 'its timer is stopped', by: 'systemctl stop landfall-approve.timer' },
    {
      how: 'it grants whatever is asked for',
      by: "sed -i 's/return 1/return 0/' /usr/local/sbin/landfall-approve",
    },
  ],
  'control-plane/serving-address': [
    {
      how: 'the label is gone',
      by: 'kube label nodes --all node-restriction.kubernetes.io/landfall-address-',
    },
    {
      how: 'the label says another address',
      by: 'kube label nodes --all --overwrite node-restriction.kubernetes.io/landfall-address=10.9.9.9',
    },
  ],
  'control-plane/serving': [
    {
      how: 'the certificate is gone, and kubelet started anew',
      by: `systemctl stop landfall-approve.timer
rm /var/lib/kubelet/pki/kubelet-server-current.pem; systemctl restart kubelet`,
      also: { 'control-plane/approver': 'its timer could have put it right by itself' },
    },
  ],
  'control-plane/super-admin': [
    {
      how: 'made anew',
      by: 'kubeadm init phase kubeconfig super-admin --config /etc/kubernetes/landfall/kubeadm.yaml',
    },
  ],
  'control-plane/renewal': [
    { how: 'its timer does not start at boot', by: 'systemctl disable -q landfall-renew.timer' },
    { how: 'the program is gone', by: 'rm /usr/local/sbin/landfall-renew' },
  ],
  'serving/insisted': [
    {
      how: 'the API server takes any kubelet',
      by: apiServerWith('/--kubelet-certificate-authority=/d'),
      alone: ANEW,
    },
  ],
  'control-plane/api-ends': [
    {
      how: 'another time for whoever watches',
      by: apiServerWith('s/\\(--shutdown-watch-termination-grace-period=\\).*/\\11s/'),
      alone: WHOLE_MANIFEST,
    },
    {
      how: 'the API server waits for whoever watches',
      by: apiServerWith('/--shutdown-watch-termination-grace-period=/d'),
      alone: WHOLE_MANIFEST,
    },
  ],

  'etcd/settings': [
    {
      how: 'a smaller quota in its manifest, which kubelet follows',
      by: `sed -i 's/^    - --quota-backend-bytes=.*/    - --quota-backend-bytes=2147483648/' /etc/kubernetes/manifests/etcd.yaml
crictl ps -q --name '^kube-apiserver$' | xargs crictl stop --timeout 2
isOther() { tr '\\0' '\\n' <"/proc/$(pgrep -xo etcd)/cmdline" | grep -q =2147483648 && kube get --raw /readyz; }
await isOther`,
      alone: ANEW,
    },
  ],
  'etcd/upkeep': [
    { how: 'the program is gone', by: 'rm /usr/local/lib/landfall/etcd-upkeep' },
    { how: 'a line changed by hand', by: 'sed -i s/sha256sum/sha1sum/ /usr/local/lib/landfall/etcd-upkeep' },
  ],
  'etcd/upkeep-service': [
    {
      how: 'its service is gone',
      by: 'rm /etc/systemd/system/landfall-etcd.service',
      also: { 'etcd/upkeep-timer': 'systemd has not read it anew' },
    },
  ],
  'etcd/upkeep-times': [
    {
      how: 'once a year in place of once an hour',
      by: 'sed -i s/=hourly/=yearly/ /etc/systemd/system/landfall-etcd.timer',
      also: { 'etcd/upkeep-timer': 'systemd has not read it anew' },
    },
  ],
  'etcd/upkeep-timer': [
    { how: 'stopped', by: 'systemctl stop landfall-etcd.timer' },
    { how: 'not started at boot', by: 'systemctl disable -q landfall-etcd.timer' },
  ],
  'etcd/identity': [{ how: 'the note is gone', by: 'rm /etc/kubernetes/landfall/kube-system-uid' }],
  'etcd/snapshot': [{ how: 'all snapshots are gone', by: 'rm /var/backups/landfall/etcd/*.db' }],

  'network/one-plugin': [
    {
      how: 'another plugin in the cluster',
      by: `kube -n kube-system create -f - <<'END'
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: weave-net }
spec:
  selector: { matchLabels: { by: hand } }
  template:
    metadata: { labels: { by: hand } }
    spec:
      nodeSelector: { by: hand }
      containers: [{ name: weave, image: docker.io/library/nginx:1.28.0 }]
END`,
      ends: refused(/the cluster has weave/, 'kube -n kube-system delete daemonset weave-net'),
    },
  ],
  'network/flannel': [
    {
      how: 'its settings changed by hand',
      by: `${FLANNEL} patch configmap kube-flannel-cfg -p '{"data":{"net-conf.json":"{}"}}'`,
    },
    {
      how: 'another image',
      by: `${FLANNEL} set image daemonset/kube-flannel-ds kube-flannel=ghcr.io/flannel-io/flannel:v0.1.0`,
    },
    {
      how: 'the DaemonSet and its rights are gone',
      by: `${FLANNEL} delete daemonset kube-flannel-ds; kube delete clusterrolebinding flannel`,
    },
  ],
  'network/conflist': [
    { how: 'the file is gone', by: `rm ${CNI}/10-flannel.conflist` },
    {
      how: 'changed by hand',
      by: `sed -i 's/"hairpinMode": true/"hairpinMode": false/' ${CNI}/10-flannel.conflist`,
    },
  ],
  'network/bridge': [
    { how: 'it is deleted', by: 'ip link delete cni0' },
    { how: 'it is down', by: 'ip link set cni0 down' },
    {
      how: 'it has another address',
      by: 'ip address flush dev cni0; ip address add 10.244.77.1/24 dev cni0',
    },
  ],
  'network/kube-proxy': [
    {
      how: 'nowhere wanted, for a while',
      by: `kube -n kube-system patch daemonset kube-proxy -p '{"spec":{"template":{"spec":{"nodeSelector":{"by":"hand"}}}}}'
isGone() { [ "$(kube -n kube-system get daemonset kube-proxy -o 'jsonpath={.status.desiredNumberScheduled}')" = 0 ]; }
await isGone`,
      ends: {
        letGo: `kube -n kube-system patch daemonset kube-proxy --type=json -p '[{"op":"remove","path":"/spec/template/spec/nodeSelector/by"}]'`,
      },
    },
  ],
  'network/nodes-ready': [
    {
      how: 'told not to be, while its kubelet hangs',
      by: tellOfNode(
        '{"conditions":[{"type":"Ready","status":"False","reason":"ByHand","message":"by hand"}]}',
      ),
      // Its pods are told to be as little ready as it is, in some seconds.
      ends: { letGo: KUBELET_GOES_ON, orAt: 'network/kube-proxy' },
      alone: HANGS,
    },
  ],
  'network/dns': [
    {
      how: 'scaled to nothing, for a while',
      by: 'kube -n kube-system scale deployment coredns --replicas=0',
      ends: { letGo: 'kube -n kube-system scale deployment coredns --replicas=2' },
    },
  ],
  'network/flannel-runs': [
    {
      how: 'a pod it does not own holds its port',
      by: `pod=$(${FLANNEL} get pods -l app=flannel -o name); ${FLANNEL} label "$pod" app- by=hand
isWaiting() { [ "$(${FLANNEL} get daemonset kube-flannel-ds -o 'jsonpath={.status.numberReady}')" = 0 ]; }
await isWaiting`,
      ends: { letGo: `${FLANNEL} delete pod -l by=hand --wait=false` },
    },
  ],

  'workloads/taint': [
    {
      how: 'closed to workloads',
      by: 'kube taint node --all node-role.kubernetes.io/control-plane:NoSchedule',
    },
  ],
  'workloads/load-balancers': [
    {
      how: 'left out by load balancers',
      by: 'kube label node --all node.kubernetes.io/exclude-from-external-load-balancers=',
    },
  ],
  'workloads/authorities': [
    {
      how: 'kubeadm tells of one that ends in a hundred days',
      by: OLD_AUTHORITY.by,
      ends: refused(/plan its exchange/, OLD_AUTHORITY.mend),
    },
  ],
  'workloads/no-proof': [{ how: 'a proof cut short', by: 'kube create namespace landfall-proof' }],
  'record/applied': [
    { how: 'what is written down is gone', by: 'kube -n kube-system delete configmap landfall-applied' },
  ],
};
