import { type Breaks, refused, standIn, tell } from './hands.ts';

/*
 * Ways to break what is set about the host itself: its names, clock, swap, IPv6, logs and limits.
 */

/** The host all of this is done on; its hostname is among what is broken. */
const HOST = 'cp-0';
const SYSCTLS = '/etc/sysctl.d/99-zz-landfall.conf';
const CHRONY = '/etc/chrony';
const JOURNAL = '/etc/systemd/journald.conf.d';
const CLOUD = '/etc/cloud /var/lib/cloud';

const SWAPS = 'Filename Type Size Used Priority\\n/dev/sdz2 partition';
const FULL_SWAP = tell('/proc/swaps', `${SWAPS} 9999999999 9999999999 -2\\n`);
const SOME_SWAP = tell('/proc/swaps', `${SWAPS} 999 0 -2\\n`);
// Hosts of a lab share the machine's swap, so nobody turns any on or off there.
const SWAPOFF = standIn('swapoff', 'exec umount /proc/swaps');

/** Lays out what cloud-init reads, as a cloud image has it. */
const cloudImage = (more: string): string =>
  `mkdir -p /etc/cloud/cloud.cfg.d /var/lib/cloud/instance; printf 'preserve_hostname: false\\nmanage_etc_hosts: true\\n' >/etc/cloud/cloud.cfg${more}`;

/** chrony starts, and hears of no server. */
const NO_TIME = `nft add table inet hand-time; nft add chain inet hand-time out '{ type filter hook output priority -10; }'; nft add rule inet hand-time out udp dport 123 drop; systemctl restart chrony`;

/** A generator of units, as systemd's own for partitions of the type "swap". */
export const SWAP_GENERATOR = `mkdir -p /etc/systemd/system-generators; cat >/etc/systemd/system-generators/hand <<'END'
#!/bin/sh
mkdir -p "$3/swap.target.wants"
printf '[Swap]\\nWhat=/dev/sdz3\\n' >"$3/dev-sdz3.swap"
ln -sf ../dev-sdz3.swap "$3/swap.target.wants/dev-sdz3.swap"
END
chmod 0755 /etc/systemd/system-generators/hand; systemctl daemon-reload`;

export const HOST_BREAKS: Readonly<Record<string, Breaks>> = {
  'preflight/swap': [
    {
      how: 'more lies in swap than memory has room for',
      by: FULL_SWAP.by,
      also: { 'swap/off': 'it reads the same table' },
      ends: refused(/lies in swap[^]*give the machine more/, FULL_SWAP.mend),
    },
  ],

  'names/cloud-init': [
    { how: 'a cloud image that names itself at each boot', by: cloudImage(''), tidy: `rm -r ${CLOUD}` },
    {
      how: 'the data the machine was given says otherwise',
      by: cloudImage(
        `; printf '#cloud-config\\nmanage_etc_hosts: true\\n' >/var/lib/cloud/instance/cloud-config.txt`,
      ),
      ends: refused(/cloud-config\.txt[^]*outranks/, `rm -r ${CLOUD}`),
    },
  ],
  'names/hosts': [
    {
      how: 'the own name beside 127.0.1.1, as an installer writes it',
      by: `sed -i 's/^[0-9.]* ${HOST}$/127.0.1.1 ${HOST}.example.net ${HOST}/' /etc/hosts`,
    },
    { how: 'the line is gone', by: `sed -i -E '/^[0-9].* ${HOST}( |$)/d' /etc/hosts` },
    {
      how: 'a line of somebody else says another address',
      by: `keep /etc/hosts; echo 10.9.9.9 ${HOST} >>/etc/hosts`,
      ends: refused(/gives the name of a node another address/, 'back /etc/hosts'),
    },
  ],
  'names/hostname': [
    { how: 'another name at boot', by: 'echo elsewhere >/etc/hostname' },
    { how: 'another name now', by: 'hostname elsewhere' },
  ],

  'time/installed': [
    {
      how: 'another program in its place',
      by: 'apt-get -qq update; apt-get -qq -y install systemd-timesyncd >/dev/null',
    },
    {
      how: 'nothing keeps the clock',
      by: 'apt-get -qq -y remove chrony >/dev/null',
      alone: 'apt installs nothing while other packages do not fit each other',
    },
  ],
  'time/sources': [
    {
      how: 'servers nobody wants any more',
      by: `echo 'server 10.9.9.9' >${CHRONY}/sources.d/landfall.sources`,
    },
    {
      how: 'the servers of the distribution set aside',
      by: `sed -i 's/^pool/#landfall# pool/' ${CHRONY}/chrony.conf`,
    },
  ],
  'time/running': [
    { how: 'stopped, and not started at boot', by: 'systemctl disable -q --now chrony' },
    { how: 'a file newer than its start', by: `touch ${CHRONY}/chrony.conf` },
  ],
  'time/synchronised': [
    {
      how: 'no server answers, for a while',
      by: NO_TIME,
      ends: { letGo: 'nft delete table inet hand-time' },
    },
    {
      how: 'no server answers until all that chrony asks when it starts has been asked',
      by: `${NO_TIME}; sleep 20`,
      ends: { letGo: 'nft delete table inet hand-time' },
    },
  ],

  'swap/off': [
    {
      how: 'a partition to swap to',
      by: `${SOME_SWAP.by}; ${SWAPOFF.by}`,
      tidy: SWAPOFF.mend,
    },
  ],
  'swap/fstab': [
    {
      how: 'a line that turns it on at boot',
      by: `printf 'UUID=1234\\tnone\\tswap\\tsw\\t0 0\\n' >>/etc/fstab`,
    },
  ],
  'swap/units': [
    {
      how: 'a service that makes swap of memory',
      by: `printf '[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/bin/true\\n[Install]\\nWantedBy=multi-user.target\\n' >/etc/systemd/system/zramswap.service
systemctl enable -q --now zramswap.service`,
      tidy: 'rm /etc/systemd/system/zramswap.service; systemctl daemon-reload',
    },
    {
      how: 'a partition that systemd finds by its type',
      by: SWAP_GENERATOR,
      tidy: 'rm -r /etc/systemd/system-generators; systemctl unmask -q dev-sdz3.swap; systemctl daemon-reload',
    },
  ],

  'ipv6/left': [
    {
      how: 'turned off by an earlier choice',
      by: `echo 'net.ipv6.conf.all.disable_ipv6 = 1' >>${SYSCTLS}; sysctl -qw net.ipv6.conf.all.disable_ipv6=1`,
      alone: 'the API server asks itself through ::1, and who was refused comes back only after minutes',
    },
  ],

  'journal/limits': [
    { how: 'the file is gone', by: `rm ${JOURNAL}/99-zz-landfall.conf` },
    { how: 'a file newer than its start', by: `touch ${JOURNAL}/99-zz-landfall.conf` },
    {
      how: 'another limit in a file that comes later',
      by: `printf '[Journal]\\nSystemMaxUse=9G\\n' >${JOURNAL}/99-zzz-mine.conf`,
      ends: refused(/99-zzz-mine\.conf/, `rm ${JOURNAL}/99-zzz-mine.conf`),
    },
  ],
  'journal/logrotate': [{ how: 'its timer is off', by: 'systemctl disable -q --now logrotate.timer' }],

  // The values in force are the machine's, shared by all hosts of a lab; only the files are the host's own.
  'kernel/inotify-instances': [{ how: 'not set at boot', by: `sed -i /max_user_instances/d ${SYSCTLS}` }],
  'kernel/inotify-watches': [
    { how: 'less at boot', by: `sed -i '/max_user_watches/s/[0-9]*$/8192/' ${SYSCTLS}` },
  ],
  'kernel/map-count': [{ how: 'not set at boot', by: `sed -i /max_map_count/d ${SYSCTLS}` }],
};
