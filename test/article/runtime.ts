import { type Chapter, clue, command, done, field, item, otherwise, step, test } from './item.ts';

/** kubeadm’s first look, the container runtime, and what the kernel lacks. */
export const RUNTIME: readonly Chapter[] = [
  {
    title: 'The container runtime',
    items: [
      item(
        84,
        'kubeadm init is made of phases that can be run alone',
        done`Run as a whole by ${step('control-plane/init', 'kubeadm init --config')}, as its phases keep what they find whole. Landfall’s own can be looked at and made alone: ${command('status --only preflight')}, ${command('apply --only packages')}.`,
      ),
      item(
        85,
        'Run the preflight alone and keep what it says',
        done`${command('status --only preflight')} asks more than kubeadm does, and earlier. What every program said is kept: ${command('runs show --verbose')}.`,
      ),
      item(
        86,
        'kubeadm looks for the newest version on the internet, and falls back',
        done`It is told: ${step('control-plane/kubeadm-config', 'kubernetesVersion:')}. Should it look all the same: ${clue('control-plane/init', 'I0918 09:21:28.063000   11270 version.go:256] remote version is much newer: v1.28.2; falling back to: stable-1.27', 'H10')}.`,
      ),
      item(
        87,
        'Preflight: the container runtime does not run',
        done`${clue('control-plane/init', '\t[ERROR CRI]: container runtime is not running: output: validate CRI v1 runtime API for endpoint "unix:///var/run/containerd/containerd.sock": connect: no such file or directory', 'H11')}; cured by ${step('runtime/crio')}. The socket is told, not guessed: ${step('control-plane/kubeadm-config', 'criSocket: unix:///var/run/crio/crio.sock')}.`,
      ),
      item(
        88,
        'Preflight: bridged packets are not shown to the firewall',
        done`${clue('control-plane/init', '\t[ERROR FileContent--proc-sys-net-bridge-bridge-nf-call-iptables]: /proc/sys/net/bridge/bridge-nf-call-iptables does not exist', 'H17')}; cured by ${step('kernel/br-netfilter')} and ${step('kernel/bridge-iptables')}.`,
      ),
      item(
        89,
        'Preflight: packets are not forwarded',
        done`${clue('control-plane/init', '\t[ERROR FileContent--proc-sys-net-ipv4-ip_forward]: /proc/sys/net/ipv4/ip_forward contents are not set to 1', 'H18')}; cured by ${step('kernel/ip-forward')}.`,
      ),
      item(
        90,
        'Checks can be ignored, and more be said',
        otherwise`No check is ignored on a fresh host. After an init that was cut short, its own files and ports are, by name, and nothing else: ${step('control-plane/init', '--ignore-preflight-errors=')}. More is said by ${command('apply --verbose')}.`,
      ),
      item(
        91,
        'Say the version, from now on',
        done`${step('control-plane/kubeadm-config', 'kubernetesVersion:')}, exact, and the same that the packages have.`,
      ),
      item(
        92,
        'The flag for it is not known to single phases',
        done`There is no flag: kubeadm reads a file, as a whole and in parts, and says itself whether the file is sound: ${step('control-plane/config-valid', 'kubeadm config validate')}.`,
      ),
      item(93, 'CRI-O is installed but not started', done`${step('runtime/crio', 'systemctl enable crio')}.`),
      item(
        94,
        'Remove the network configurations CRI-O comes with',
        done`${step('runtime/no-stray-networks', '100-crio-bridge.conflist')}: those that are known to be of no use. Others are named and left: ${clue('runtime/no-stray-networks', '/etc/cni/net.d/05-mine.conflist', 'H16')}. That the plugin’s own comes first is seen at ${step('network/conflist')}.`,
      ),
      item(
        95,
        'Make a folder CRI-O misses',
        done`${step('runtime/state-folder', 'mkdir -p /var/lib/crio')}; the package makes it by now. Without it: ${clue('runtime/crio', 'open /var/lib/crio/version: no such file or directory', 'H15')}.`,
      ),
      item(
        96,
        'Start CRI-O, in vain',
        done`${step('runtime/crio', 'systemctl restart crio')}. What is waited for, and how long already, shows while it is.`,
      ),
      item(
        97,
        'Its log names a runc that is not there',
        done`Found before it is started: ${clue('runtime/programs', '/usr/lib/cri-o-runc/sbin/runc is not there', 'H14')}. And in its own words: ${clue('runtime/crio', `level=fatal msg="validating runtime config: runtime validation: invalid runtime_path for runtime 'runc': \\"stat /usr/lib/cri-o-runc/sbin/runc: no such file or directory\\""`, 'H14')}.`,
      ),
      item(
        98,
        'See where runc is',
        done`${step('runtime/programs', '/etc/crio/crio.conf.d/*.conf')} looks for each program the files of CRI-O name.`,
      ),
      item(
        99,
        'The runc of CRI-O’s repository is old',
        otherwise`That package is gone with its repository. CRI-O brings the one it was released with, which moves with it alone: ${step('packages/installed', 'cri-o=')}.`,
      ),
      item(
        100,
        'So take Ubuntu’s',
        otherwise`There is no need to: ${step('runtime/programs')} leaves the package’s own settings as they are.`,
      ),
      item(
        101,
        'Rewrite the package’s file with the right path; an upgrade may write it back',
        otherwise`Such a file is of an old package, and goes when it names what is not there: ${step('runtime/programs', 'rm -f /etc/crio/crio.conf.d/01-crio-runc.conf')}. Landfall’s own settings are in a file that is read later: ${step('runtime/pause-image', '/etc/crio/crio.conf.d/20-landfall.conf')}.`,
      ),
      item(
        102,
        'Restart CRI-O',
        done`${step('runtime/crio', 'ExecMainStartTimestamp')} sees by itself that a file was written since CRI-O was started.`,
      ),
      item(103, 'See it run', done`${step('runtime/crio', 'ActiveState')}, and that its socket is there.`),
      item(104, 'Start it at every boot', done`${step('runtime/crio', 'UnitFileState')}.`),
      item(
        105,
        'See that crictl reaches it',
        done`${step('runtime/crictl', '/etc/crictl.yaml')} says where, ${step('runtime/answers', 'crictl info')} asks. The version is that of the package: ${step('packages/installed')}.`,
      ),
      item(
        106,
        'See its state: ready, its network not, and the pause image',
        done`${step('runtime/answers', 'RuntimeReady')}. The pause image is made that of kubeadm: ${step('runtime/pause-image', '/pause:')}.`,
      ),
      item(
        107,
        'See that it has no pods, containers and images yet',
        otherwise`Images that are there already do no harm, and those of the control plane are looked for: ${step('control-plane/images', 'crictl images')}. Pods of an earlier cluster would; what it left is found by ${step('preflight/other-cluster')}.`,
      ),
      item(
        108,
        'Its network is not ready, which is right: the plugin comes later',
        done`Said and not waited for at ${step('runtime/answers')}; waited for at ${step('network/nodes-ready')}, where it is ${clue('network/nodes-ready', 'NetworkPluginNotReady message:Network plugin returns error: No CNI configuration file in /etc/cni/net.d/. Has your network provider started?', 'H37')}.`,
      ),
    ],
  },
  {
    title: 'The kernel’s settings',
    items: [
      item(
        109,
        'br_netfilter at every boot; overlay is not named',
        done`${step('kernel/br-netfilter', '/etc/modules-load.d/landfall.conf')}, and ${step('kernel/overlay')} as well.`,
      ),
      item(
        110,
        'Forwarding at every boot',
        done`${step('kernel/ip-forward', '/etc/sysctl.d/99-zz-landfall.conf')}, in a file that is read after all others.`,
      ),
      item(
        111,
        'And now, without a boot',
        done`${step('kernel/br-netfilter', 'modprobe -- br_netfilter')}, ${step('kernel/ip-forward', 'sysctl -q -w')}. A kernel without the module is told of: ${clue('kernel/br-netfilter', 'modprobe: FATAL: Module br_netfilter not found in directory /lib/modules/6.1.0-28-amd64', 'H17')}.`,
      ),
      item(
        112,
        'See that it took',
        done`${step('kernel/ip-forward', 'sysctl -n net.ipv4.ip_forward')}: what holds now, and what the files say for the next boot. Limits the article does not have to raise are raised too: ${step('kernel/inotify-instances')}, ${field('host.limits.mapCount')}.`,
      ),
      item(
        113,
        'Preflight again, which passes and pulls images; that it holds after a reboot is not tried',
        done`Each step is read again right after it is made, and all of them at the end of a run. After a boot: ${test('test/lab/create.test.ts', 'after a reboot it comes back by itself, and nothing is left to do')}.`,
      ),
      item(
        114,
        'Images can be pulled beforehand',
        done`They are: ${step('control-plane/images', 'crictl pull')}.`,
      ),
      item(
        115,
        'See the images',
        done`${step('control-plane/images', 'kubeadm config images list')} wants each that kubeadm names, by the digest landfall.lock has of it.`,
      ),
    ],
  },
];
