import { type Chapter, clue, command, done, field, item, otherwise, problem, step, test } from './item.ts';

/** Where Kubernetes and its runtime come from, and at which versions. */
export const PACKAGES: readonly Chapter[] = [
  {
    title: 'Repositories',
    items: [
      item(
        62,
        'A repository for Kubernetes, two for the runtime',
        done`${step('packages/kubernetes-list')}, ${step('packages/crio-list')}: CRI-O’s own project needs one by now.`,
      ),
      item(
        63,
        'CRI-O, for now',
        done`${field('runtime')}: CRI-O; containerd is the other choice. A second runtime on the host is refused: ${step('preflight/other-runtime')}.`,
      ),
      item(
        64,
        'The minor before the newest, to be on the safe side',
        done`${command('init')} writes the second newest into ${field('kubernetes')}, for the same reason. A minor upstream no longer mends is refused: ${problem('version/unsupported')}.`,
      ),
      item(
        65,
        'The minor in a variable of the shell',
        otherwise`No shell has to remember it: it is ${field('kubernetes')}, and ${step('packages/kubernetes-list')} has it in its address.`,
      ),
      item(
        66,
        'The name of the release in a variable, for the address of a repository',
        otherwise`CRI-O’s repository is one for all releases today: ${step('packages/crio-list', 'isv:/cri-o:/stable:/v')}. What does differ by release is decided by what the host says of itself.`,
      ),
      item(
        67,
        'The key of the Kubernetes repository',
        done`${step('packages/kubernetes-key', '/etc/apt/keyrings/kubernetes.asc')}. Its sum is kept in landfall.lock, and another key is refused: ${clue('packages/kubernetes-key', 'the key fetched has the SHA-256 0f…, accepted was 1a…', 'H07')}.`,
      ),
      item(
        68,
        'Tell apt of it, and of the key that signs it',
        done`${step('packages/kubernetes-list', 'signed-by=/etc/apt/keyrings/kubernetes.asc')}.`,
      ),
      item(
        69,
        'The key of the runtime’s repository',
        done`${step('packages/crio-key', '/etc/apt/keyrings/cri-o.asc')}, kept in the same way.`,
      ),
      item(
        70,
        'A repository for what the runtime needs',
        otherwise`It is gone, and nothing of it is needed: CRI-O’s package brings its programs. A line that still names it is found by ${clue('packages/known', 'E: The repository https://download.opensuse.org/repositories/devel:/kubic:/libcontainers:/stable/xUbuntu_22.04 Release does not have a Release file.', 'H08')}.`,
      ),
      item(
        71,
        'A repository for CRI-O, of that minor; its address is dead today',
        done`${step('packages/crio-list', 'https://download.opensuse.org/repositories/isv:/cri-o:')}, by minor as well.`,
      ),
      item(72, 'Fetch the indexes anew', done`${step('packages/known', 'apt-get -q update')}.`),
      item(
        73,
        'See which kubeadm there is',
        done`${step('packages/known', 'apt-cache madison')}. That the repository is reached at all is seen before anything is touched: ${step('preflight/reachable')}.`,
      ),
      item(74, 'See which CRI-O there is', done`${step('packages/known', 'cri-o')}, the same reading.`),
      item(
        75,
        'The release page and the changelog do not agree on the newest patch',
        otherwise`Neither is asked. What counts is what the repository holds, as a host sees it, on the day the version is chosen; landfall.lock keeps it. A version that is not there is refused with those that are: ${problem('version/not-available')}.`,
      ),
      item(
        76,
        'CRI-O’s newest patch is what the repository has',
        done`Chosen in the same way, and of the same minor: ${problem('version/not-available')} when there is none yet.`,
      ),
      item(
        77,
        'Repositories lag behind releases, CRI-O’s above all: look before you install',
        done`Asked of the repositories themselves before the first plan is shown: ${problem('version/no-package')}. What goes missing later: ${clue('packages/installed', 'E: Version ‘1.36.3-1.1’ for ‘kubeadm’ was not found', 'H06')}.`,
      ),
    ],
  },
  {
    title: 'Packages',
    items: [
      item(
        78,
        'Mind that the variable is still set',
        otherwise`Nothing is kept in a shell: every run reads ${field('kubernetes')} and landfall.lock.`,
      ),
      item(
        79,
        'The exact version in another variable',
        done`An exact version may stand in ${field('kubernetes')}; of a minor landfall.lock keeps what it came to.`,
      ),
      item(
        80,
        'Install kubeadm, kubectl and kubelet at that version, CRI-O and runc at whichever comes',
        done`${step('packages/installed', 'cri-o=')}: six packages, all at exact versions, on all nodes the same.`,
      ),
      item(81, 'Hold them', done`${step('packages/hold', 'apt-mark hold')}.`),
      item(
        82,
        'runc is what CRI-O runs containers by',
        otherwise`Nothing of the distribution is needed for it: CRI-O’s package brings its own, and ${step('runtime/programs', 'runtime_path')} looks whether they are there.`,
      ),
      item(
        83,
        'What is held stays at an upgrade',
        done`Twice over: ${step('packages/hold')}, and ${step('updates/settings', 'Unattended-Upgrade::Package-Blacklist')} names them for what comes at night: ${test('test/lab/system.test.ts', 'unattended-upgrades installs what is a security update, and touches nothing of Kubernetes, held or not')}.`,
      ),
    ],
  },
];
