import { type Chapter, clue, command, done, field, file, item, otherwise, step, test } from './item.ts';

/** The host, before anything of Kubernetes: packages, kernel, IPv6. */
export const SERVER: Chapter = {
  title: 'The server: packages, kernel, IPv6',
  items: [
    item(
      28,
      'Fetch the indexes of packages',
      done`${step('system/upgraded', 'apt-get -q update')}; waits while somebody else installs, and says who.`,
    ),
    item(
      29,
      'Upgrade all packages',
      done`${step('system/upgraded', 'upgrade --with-new-pkgs')}: once before the host joins, or every so many days, or never: ${field('host.upgrade')}.`,
    ),
    item(
      30,
      'Leave the dialog about restarting services by a key; nothing says how to do without one',
      done`No dialog comes up: ${file('src/shell/compile.ts', 'every script', 'DEBIAN_FRONTEND=noninteractive')} says so, and ${step('updates/needrestart')} keeps needrestart from asking and from restarting anything, also later.`,
    ),
    item(
      31,
      'Purge three packages a node does not need',
      done`${step('system/purged', 'dpkg --purge')}: these three and packagekit, or those of ${field('host.purge')}. What is in use, a disk over several paths for one, stays. ${command('reset')} brings them back.`,
    ),
    item(
      32,
      'Purge what they leave over',
      done`${step('system/purged', 'apt-get -s autoremove')}: what came only for them goes along; what was left over before stays.`,
    ),
    item(
      33,
      'A mainline kernel in place of the distribution’s old one',
      otherwise`Refused: ${step('preflight/mainline-kernel')}. A newer kernel that is signed and kept up is had by ${field('host.kernel')}: ${step('system/kernel')} installs Ubuntu’s HWE kernel, or on Debian that of the backports, ${step('system/backports')}.`,
    ),
    item(
      34,
      'Look at the kernel that runs',
      done`${step('preflight/kernel', 'uname -r')} asks for 5.13, which kube-proxy needs.`,
    ),
    item(
      35,
      'A folder for the kernel’s packages',
      otherwise`There is none: a kernel comes by apt, ${step('system/kernel')}, which has a folder of its own.`,
    ),
    item(
      36,
      'Download four kernel packages by hand',
      otherwise`Nothing is installed that no repository has signed. Such packages are found and named: ${step('preflight/mainline-kernel', 'linux-image-')}.`,
    ),
    item(
      37,
      'See that four files have come',
      otherwise`apt compares each file with the signed index; one that is not whole is told apart: ${clue('system/kernel', 'E: Failed to fetch … Hash Sum mismatch', 'H06')}.`,
    ),
    item(
      38,
      'Install them without apt',
      otherwise`By apt, which looks at what they need first: ${step('system/kernel', 'apt-get')}.`,
    ),
    item(
      39,
      'The headers need a newer C library than the release has, and are left half installed',
      done`Told by ${clue('prepare/dpkg', ' linux-headers-6.5.3-060503-generic depends on libc6 (>= 2.38); however:', 'H01')}; and a package that is half installed, of whatever cause, is found before anything is installed: ${step('prepare/dpkg', 'dpkg --audit')}.`,
    ),
    item(
      40,
      'Edit the books of dpkg so that it believes otherwise',
      otherwise`Refused, as every upgrade would trust what is not true: ${clue('preflight/mainline-kernel', 'mainline: linux-image-unsigned-6.5.3-060503-generic', 'H01')} says how to get rid of such a kernel.`,
    ),
    item(
      41,
      'Have apt finish what was left',
      done`${step('prepare/dpkg', '--fix-broken install')}, wherever an installation was cut short. What the article finishes in this way is unsigned and gets no updates: ${step('preflight/mainline-kernel')}.`,
    ),
    item(
      42,
      'IPv6 off, by taste, so that no address of it is in the way; dual stack is then out of the question',
      done`A choice, and its price is said: ${field('host.ipv6')}. By default IPv6 stays, ${step('ipv6/left')}; \`disabled\` turns it off by settings that can be taken back at once, ${step('ipv6/all')}; \`absent\` is the article’s way.`,
    ),
    item(
      43,
      'IPv6 off on the kernel’s command line',
      done`${step('ipv6/kernel-argument', 'ipv6.disable=1')}, in a file beside /etc/default/grub that is read after it.`,
    ),
    item(
      44,
      'Take IPv6 out of netplan',
      done`${step('ipv6/netplan')}: addresses, name servers and routes, in each of its files; the lines are set aside, not lost.`,
    ),
    item(
      45,
      'Otherwise the next boot waits for the network; cloud-init may write the file anew',
      done`${step('ipv6/netplan', 'network: {config: disabled}')} keeps cloud-init from it. Files netplan does not take are put back, and told of: ${clue('ipv6/netplan', 'netplan does not take its files without IPv6; they are as they were', 'H02')}.`,
    ),
    item(46, 'Make the boot menu anew', done`${step('ipv6/kernel-argument', 'update-grub')}.`),
    item(
      47,
      'See that each entry has it',
      done`${step('ipv6/kernel-argument', '/boot/grub/grub.cfg')} counts the entries that do, and ${step('ipv6/addresses', 'ip -6 -o addr show')} looks at the interfaces themselves.`,
    ),
  ],
};

/** The clock, the way in, the shell, and the first reboot. */
export const SERVER_CONTINUED: Chapter = {
  title: 'The server: clock, ssh, shell, reboot',
  items: [
    item(
      48,
      'Always keep the clock, Kubernetes or not',
      done`${step('time/running')} keeps it and ${step('time/synchronised')} judges it before the first certificate is made. A year that cannot be is found at once: ${step('preflight/clock')}.`,
    ),
    item(
      49,
      'chrony, as the client of systemd has stopped without a word',
      done`${step('time/installed')}, as the only one. ${field('host.time.service')} leaves the host’s own in place, and judges it all the same.`,
    ),
    item(50, 'Install chrony', done`${step('time/installed', 'chrony')}.`),
    item(51, 'See that it starts at boot', done`${step('time/running', 'UnitFileState')}.`),
    item(
      52,
      'See how far off the clock is',
      done`${step('time/synchronised', 'chronyc -n -c tracking')}, against ${field('host.time.maxOffset')}. ${clue('time/synchronised', 'leap: Not synchronised', 'H03')} says what to do.`,
    ),
    item(
      53,
      'See which servers it follows',
      done`${step('time/synchronised', 'chronyc -n -c sources')} wants one that was selected. Which there are is ${field('host.time.servers')}: ${step('time/sources')}.`,
    ),
    item(
      54,
      'Move sshd to another port by a file, without trying it; on a newer Ubuntu the file is not heeded, and passwords stay',
      done`Moved in three parts, so that nobody is locked out: ${step('login/port-beside', 'systemd-run')}, ${step('login/answers')}, ${step('login/port')}; by its socket, where systemd listens for it. See ${file('docs/decisions/0008-the-ssh-port.md', 'why so')}. What protects is ${step('login/passwords', 'PasswordAuthentication no')} and ${step('login/root')}: where nothing can be guessed, nothing has to keep guessers out.`,
    ),
    item(
      55,
      'bash completion is installed and does nothing',
      done`${step('completion/package')} and ${step('completion/enabled')}.`,
    ),
    item(
      56,
      'Uncomment some lines of /etc/bash.bashrc',
      done`${step('completion/enabled', '/etc/bash.bashrc')} adds one line of its own at the end, which is easier to take back. Something that undoes it is looked for: ${clue('completion/enabled', 'not enabled', 'H05')}.`,
    ),
    item(
      57,
      'See a word complete itself',
      done`${step('completion/enabled', 'complete -p -D')} asks a new shell. The words of ${step('completion/kubectl')}, ${step('completion/kubeadm')} and ${step('completion/crictl')} come along.`,
    ),
    item(
      58,
      'Reboot',
      done`${step('system/rebooted', 'systemctl reboot')}, when something waits for it; on a member only if ${field('host.reboot')} says so.`,
    ),
    item(
      59,
      'Wait, and log in again through the new port',
      done`The run waits for the host and goes on: ${test('test/lab/system.test.ts', 'a member is not rebooted unless that is wanted; then the run follows it through, once')}. ${field('ssh.port')} follows the move: ${test('test/lab/login.test.ts', 'ends with the new port alone, and cluster.yaml following; holds after a reboot; and goes back')}.`,
    ),
    item(
      60,
      'See the new kernel run',
      done`${step('system/rebooted', 'uname -r')} compares what runs with what is installed, and a host that comes back as it went is told of.`,
    ),
    item(
      61,
      'See the addresses, none of them IPv6, and the MTU',
      done`${step('preflight/address', 'ip -o -4 address show')}, ${step('ipv6/addresses')}, ${step('preflight/mtu')}.`,
    ),
  ],
};
