import {
  type Chapter,
  clue,
  command,
  done,
  field,
  file,
  item,
  later,
  otherwise,
  problem,
  step,
  test,
} from './item.ts';

/** Who speaks, what is to come of it, and what is to be there before the first command. */
export const BEFORE: readonly Chapter[] = [
  {
    title: 'What it is about',
    items: [
      item(
        1,
        'A date of publication, still to be filled in',
        otherwise`Pages here are made from the steps and are as old as the version they come with. What has a date is a run: ${command('runs list')}.`,
      ),
      item(
        2,
        'Where to find the table of contents',
        done`${file('golden/harbour/runbook.md', 'A runbook', '## Contents')} begins with its contents, each step a link.`,
      ),
      item(
        3,
        'Who writes, and what they have run so far',
        otherwise`About a person, so there is nothing to make of it. What is known here stands in ${file('docs/steps.md', 'the steps')}, each with its reason.`,
      ),
      item(
        4,
        'kubeadm was the one certified way to a cluster on bare metal',
        done`kubeadm makes the cluster, and nothing of Landfall takes its place: ${step('control-plane/init', 'kubeadm init --config')}.`,
      ),
      item(
        5,
        'One must decide things at the start that one does not know of; guides tell how and not why, and end long before production',
        done`Each step has a why, shown by ${command('explain')} and ${command('runbook')} and demanded by ${test('src/steps/list.test.ts', '%s says what, why, how to look and what to see')}. What must be decided early is a field with its default and its reason in ${file('docs/cluster-yaml.md', 'cluster.yaml')}. After the first day, ${command('status')} and ${command('plan')} find what has changed; upgrades and backups are not there yet (12, 165).`,
      ),
      item(
        6,
        'An ordinary distribution and kubeadm, not a system made for Kubernetes alone',
        done`${step('preflight/system')}: Debian and Ubuntu as they are installed everywhere. No agent is put on them.`,
      ),
      item(
        7,
        'Begin with one node, see what is wrong with it, grow; make mistakes and mend them',
        done`${command('init')} writes a cluster of one node, and mistakes can be made on hosts of this machine: ${command('lab up')}, ${command('lab break')}. ${file('docs/tutorial.md', 'The tutorial')} goes that way. It grows by workers and, behind a virtual address or a load balancer of your own, by control planes: a line in \`cluster.yaml\` each, and ${command('apply')}.`,
      ),
      item(
        8,
        'The promise of a highly available control plane',
        done`List several nodes as control planes: they join one by one, each with its vote in etcd before the next begins, ${step('join/member')}, ${step('join/etcd-member')}, and no even number of them is made, ${problem('nodes/count')}. Certificates and kubeconfigs carry a name that can move, ${step('prepare/endpoint-name')}: behind it is an address the control planes hold between them, ${field('endpoint.virtualIP')}, or your own load balancer, ${field('endpoint.address')}.`,
      ),
      item(
        9,
        'The promise of public https endpoints',
        later`There is no ingress and nothing that asks for certificates. What is proven from outside is a NodePort: ${step('proof/from-outside')}.`,
      ),
      item(
        10,
        'The promise of distributed storage',
        later`No storage is installed. The hosts are made ready for one: ${step('system/purged')} takes away what would seize its disks.`,
      ),
      item(
        11,
        'The promise of monitoring and logging',
        later`Neither is installed. Logs are kept from filling the disk, ${step('journal/limits')} and ${field('host.containerLogs.maxSize')}, and ${command('status')} reads every host anew.`,
      ),
      item(
        12,
        'The promise of upgrades from one minor to the next',
        later`A cluster that runs keeps its version: ${step('preflight/version')}. A jump of two minors and a way back are refused before any host is asked: ${problem('version/skew')}.`,
      ),
      item(
        13,
        'The reader knows Linux; for the rest there are links',
        done`Nearly every step says where to read on; ${command('explain')} and ${command('runbook')} print it.`,
      ),
    ],
  },
  {
    title: 'What is to be there first',
    items: [
      item(
        14,
        'kubeadm’s own list of prerequisites, whose minimum runs nothing of use',
        done`Looked at before anything is touched, all of it at once: ${step('preflight/cpus', 'nproc')}, ${step('preflight/memory', 'MemTotal')} and the rest of the first phase. Both link to that list, and say what to count on instead of the minimum.`,
      ),
      item(
        15,
        'One node: four cores, 8 GB',
        done`Said as advice by ${step('preflight/cpus')} and ${step('preflight/memory')}. Only less than kubeadm’s minimum, two CPUs and 1700 MiB, is refused.`,
      ),
      item(
        16,
        'Several nodes: four cores, 4 GB each',
        done`The same two, ${step('preflight/cpus')} and ${step('preflight/memory')}, on each node.`,
      ),
      item(
        17,
        'NVMe for control planes, as etcd waits for each write; no measurement is offered',
        done`Measured: ${step('preflight/etcd-disk', 'O_DSYNC')} writes as etcd does, and shows the figure when 99 of 100 writes are not there within 10 ms. ${field('nodes[].slowDisk')} bears a slower disk.`,
      ),
      item(
        18,
        'How large depends on what will run; the clusters the author knows are far larger',
        otherwise`What you will run cannot be seen from here. What is measured is what shows: ${step('preflight/disk')} before, and the disk of a living etcd afterwards, ${step('preflight/etcd-disk', 'etcd_disk_wal_fsync_duration_seconds_count')}.`,
      ),
      item(
        19,
        'Rented virtual servers; hardware is out of scope',
        done`A host is whatever ssh reaches: ${field('nodes[].address')}. Nothing is ordered or wired. Without a server, ${command('lab up')} boots hosts on your own machine.`,
      ),
      item(
        20,
        'systemd, a fairly new kernel, cgroup v2, packages for Kubernetes and a runtime; cgroup v2 is never looked at',
        done`${step('preflight/systemd', '/run/systemd/system')}, ${step('preflight/kernel')}, ${step('preflight/cgroup', 'cgroup2fs')}, ${step('preflight/tools')}. The packages come from their projects: ${step('packages/installed')}. Of the two runtimes named, CRI-O is the one there is: ${field('runtime')}.`,
      ),
      item(
        21,
        'Ubuntu 22.04, the long-term release of the time',
        done`${step('preflight/system', 'ubuntu 22.04 amd64')} takes it, 24.04 and 26.04, and Debian 12 and 13. The lab’s hosts, on which the tests run, are Debian; ${command('lab up --like ubuntu')} lays out on them what Ubuntu’s installer does.`,
      ),
      item(
        22,
        'One network card, a public address, no firewall; so the API, kubelet and NodePorts are open to the world',
        done`Several addresses are dealt with: ${field('nodes[].internalAddress')}, ${step('preflight/address')}. ${field('firewall.mode')} \`enforce\` lets in what the roles of the hosts, the network plugin and the endpoint need and nothing else, ${step('firewall/rules')}, and the host itself takes it back when it has locked you out, ${step('firewall/settled')}; \`audit\` only writes down who would be kept out. It is yours to choose, for a provider may have one of its own. One that is in the way is named: ${clue('control-plane/init', '\t[WARNING Firewalld]: firewalld is active, please ensure ports [6443 10250] are open', 'H24')}, ${clue('proof/from-outside', '10.0.0.11: curl: (28) Connection timed out after 5001 milliseconds', 'H43')}.`,
      ),
      item(
        23,
        'Make a server, with a minimal installation',
        otherwise`Machines are yours to make; ${command('init --address 10.0.0.11')} begins from one that is there. What an image has beyond a minimal installation and a node has no use for goes: ${step('system/purged')}.`,
      ),
      item(
        24,
        'The hostname is test-cp-0, as the node will be called by it',
        done`The node’s name is said and not taken over: ${field('nodes[].name')}, ${step('control-plane/kubeadm-config', 'name: cp-0')}. The host gets the same one, ${step('names/hostname', '/etc/hostname')}, unless ${field('host.hostname')} says otherwise.`,
      ),
      item(
        25,
        'See which release it is',
        done`${step('preflight/system', '. /etc/os-release')}, and every plan names it.`,
      ),
      item(
        26,
        'See that the hostname is right',
        done`${step('names/hostname', 'hostname')}, now and at the next boot; that it leads to the node’s address, ${step('names/hosts')}.`,
      ),
      item(
        27,
        'Everything as root, for convenience; swap, ports and machines with one identity are never looked at',
        done`${step('preflight/root')}. Another user will do, ${field('ssh.user')}, whose sudo asks for nothing: ${problem('ssh/sudo-password')} and ${problem('ssh/not-a-sudoer')} say what to write where. Then root can be shut out: ${field('host.ssh.rootLogin')}. The rest: ${step('swap/off')}, ${step('preflight/ports')}, ${step('preflight/identity', 'product_uuid')}.`,
      ),
    ],
  },
];
