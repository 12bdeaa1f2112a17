import type { Clue } from './step.ts';

/** Troubles that may meet whatever writes to the disk. */
export const DISK_CLUES: readonly Clue[] = [
  {
    match: /No space left on device|not enough free space|You don't have enough free space/i,
    means: 'the disk is full',
    try: 'df -h / /var shows which; du -xh -d 2 /var | sort -h | tail shows what fills it; apt-get clean frees downloaded packages',
    diagnosis: 'H89',
  },
  {
    match: /Read-only file system/i,
    means:
      'the file system is mounted read-only: the kernel does that after errors of the disk, or the image was made so',
    try: 'findmnt -T FILE shows by what; dmesg | grep -i -e "i/o error" -e remount: after errors look after the disk before going on',
  },
  {
    match: /cannot (move|remove|create) .*Operation not permitted/,
    means: 'the file, or its folder, is marked so that nobody may change it, root neither (chattr +i)',
    try: 'lsattr -d FILE, and its folder; ask who marked it, or what hardens this host; then chattr -i FILE',
  },
  {
    match: /cannot (move|remove) .*Device or resource busy/,
    means: 'something is mounted on that very file, so no other can take its place',
    try: 'findmnt FILE shows what; umount FILE, and take it out of /etc/fstab',
  },
];

/** A repository, or a proxy before it, that answers, but not with the file asked for. */
const REPOSITORY_CLUES: readonly Clue[] = [
  {
    match: /\s(429|50[0234])\s/,
    means: 'the repository answers, but is out of order or overloaded at the moment, or a proxy before it is',
    try: 'wait some minutes and run it again, it goes on from here; if it stays, look at the proxy or mirror in use',
    diagnosis: 'H06',
  },
];

/** Troubles of fetching something from a repository, with apt's own downloader. */
export const FETCH_CLUES: readonly Clue[] = [
  {
    match: /(Could not resolve|Temporary failure|not resolve host)/i,
    means: 'the host cannot resolve names of the internet',
    try: 'look at /etc/resolv.conf, and try: getent hosts pkgs.k8s.io',
  },
  {
    match: /(certificate|SSL|TLS)/i,
    means:
      'the host does not trust the certificate it was shown: something in between opens the connection, or the clock is off',
    try: "add the proxy's CA to /usr/local/share/ca-certificates and run update-ca-certificates; look at date",
  },
  ...REPOSITORY_CLUES,
  {
    match: /\b(404|403)\b/,
    means:
      'the repository has no such folder: a Kubernetes minor that does not exist (yet), or a mirror that lags behind',
    try: 'look at the version in cluster.yaml, and at https://kubernetes.io/releases/',
    diagnosis: 'H06',
  },
  {
    match: /^E: Failed/,
    means: 'the host cannot reach the repository',
    try: 'open https to pkgs.k8s.io, prod-cdn.packages.k8s.io and download.opensuse.org (for containerd download.docker.com), or set a proxy in /etc/apt/apt.conf.d and /etc/environment',
  },
];

/** Troubles of apt and dpkg. */
export const APT_CLUES: readonly Clue[] = [
  ...DISK_CLUES,
  {
    match: /Could not get lock|is held by process|Unable to acquire the dpkg frontend lock/i,
    means:
      'another program has been installing packages for more than two minutes: unattended-upgrades or cloud-init, mostly',
    try: 'wait for the process that is named (ps -fp PID, or ps -ef | grep -e apt -e dpkg), then run landfall apply again',
    diagnosis: 'H09',
  },
  {
    match: /EXPKEYSIG|KEYEXPIRED/,
    means:
      'the key that signed the repository has expired: a copy from a release that is no longer maintained',
    try: 'take a Kubernetes minor that is maintained; remove keys: from landfall.lock so that the key is fetched anew',
    diagnosis: 'H07',
  },
  {
    match:
      /NO_PUBKEY|BADSIG|is not signed|The following signatures (couldn't be verified|were invalid)|At least one invalid signature/i,
    means: 'the repository is not signed with the key it was accepted with',
    try: 'do not go on: somebody in between may be answering. Compare from another network, and look at the proxy or mirror in use',
    diagnosis: 'H07',
  },
  {
    match: /Hash Sum mismatch|Hashes of expected file|File has unexpected size|Mirror sync in progress/i,
    means:
      'a file is not the one the signed index names: a mirror in the middle of its update, a broken proxy, or a tampered file',
    try: 'wait some minutes and run landfall apply again; if it stays, look at the proxy or mirror in use',
    diagnosis: 'H06',
  },
  {
    match: /does not have a Release file|apt\.kubernetes\.io|packages\.cloud\.google\.com|devel:\/?kubic/i,
    means: 'a repository that does not exist any more is still written in the sources of apt',
    try: 'grep -rl -e apt.kubernetes.io -e packages.cloud.google.com -e devel:/kubic /etc/apt/sources.list.d, and remove those files',
    diagnosis: 'H08',
  },
  ...REPOSITORY_CLUES,
  {
    match: /\s404\s+Not Found/,
    means:
      'the repository has no such file (any more): what apt knows of it is older than the repository, or a mirror is halfway through its update',
    try: 'on the host: apt-get update, then landfall apply again; if it stays, look at the proxy or mirror in use',
    diagnosis: 'H06',
  },
  {
    match: /Unable to locate package|Version .* was not found|has no installation candidate/i,
    means:
      'the repository does not hold that version: packages lag behind releases, and old ones are taken away',
    try: 'apt-cache madison kubeadm cri-o containerd.io shows what there is; choose one of them in cluster.yaml, or remove landfall.lock to take the newest',
    diagnosis: 'H06',
  },
  {
    match: /(Could not resolve|Temporary failure resolving)/i,
    means: 'the host cannot resolve names of the internet',
    try: 'look at /etc/resolv.conf, and try: getent hosts pkgs.k8s.io',
  },
  {
    match: /(Could not connect|Connection timed out|Unable to connect|Connection refused)/i,
    means: 'the repository does not answer, or the way to it is shut',
    try: 'try again later; open https to pkgs.k8s.io, prod-cdn.packages.k8s.io and download.opensuse.org (for containerd download.docker.com), or set a proxy in /etc/apt/apt.conf.d',
  },
  {
    match: /unmet dependencies|dependency problems|depends on libc6/i,
    means: 'packages on this host do not fit each other: often one that was made for another release',
    try: 'apt-get -f install, or purge the package that is named; never edit /var/lib/dpkg/status',
    diagnosis: 'H01',
  },
];

/** Troubles of pulling images. */
export const IMAGE_CLUES: readonly Clue[] = [
  ...DISK_CLUES,
  {
    match: /403 Forbidden|unexpected status.*403/i,
    means:
      'the registry refuses this address: Google, who serve registry.k8s.io, turn some hosting networks away',
    try: 'curl -sI https://registry.k8s.io/v2/ from this host and from another; use a registry mirror if only this one is refused',
    diagnosis: 'H25',
  },
  {
    match: /toomanyrequests|rate limit/i,
    means: 'the registry counts downloads by address, and this one has had its share',
    try: 'wait some hours, use a mirror, or log in to the registry',
    diagnosis: 'H26',
  },
  {
    match: /reading manifest latest in|:latest\b.*(manifest unknown|not found)/i,
    means:
      'an image was named without a tag, or with latest, which is the same: it leads to whatever is newest at the moment, to another one after the next restart, and here to none',
    try: "name a release, docker.io/library/nginx:1.28.0, or a digest; what runs is named by: kubectl get pods -A -o jsonpath='{..image}' | tr ' ' '\\n' | sort -u",
    diagnosis: 'H42',
  },
  {
    match: /manifest unknown|not found: manifest|name unknown|repository does not exist/i,
    means: 'the registry has no such image, or a mirror in between does not',
    try: 'look at the version in cluster.yaml, and at the mirrors in cluster.yaml',
  },
  {
    match: /short-name|ambiguous list/i,
    means: 'an image was named without its registry, and CRI-O does not guess',
    try: 'write the full name: docker.io/library/nginx:1.28.0',
    diagnosis: 'H27',
  },
  {
    match: /x509: certificate signed by unknown authority/i,
    means:
      "the registry's certificate is from an authority this host does not know: a proxy or a mirror of your own",
    try: 'put its CA into /usr/local/share/ca-certificates, run update-ca-certificates and restart the runtime (crio or containerd)',
    diagnosis: 'H95',
  },
  {
    match: /(dial tcp|lookup) .*(no such host|timeout|refused|unreachable|server misbehaving)/i,
    means: 'the registry cannot be reached from this host',
    try: 'try from the host: curl -sI https://registry.k8s.io/v2/',
  },
];

/** What kubectl says of an API server that gave no answer in time: an extended regular expression, for shell and for clues. */
export const TIMED_OUT = 'context deadline exceeded|Client\\.Timeout|TLS handshake timeout|i/o timeout';

/** Troubles of kubectl that come from the API server being away, or from whom it asks. */
export const API_CLUES: readonly Clue[] = [
  {
    match: /failed calling webhook|failed to call webhook/i,
    means: 'a webhook of some add-on has to agree before this is written, and does not answer',
    try: 'kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations; bring the pods behind the one it names up again, or delete its configuration until they are',
    diagnosis: 'H83',
  },
  {
    match: /connection refused|was refused/i,
    means: 'no API server listens on this node (yet)',
    try: 'crictl ps -a | grep -e apiserver -e etcd; crictl logs ID of the one that exited; journalctl -u kubelet -n 50',
    diagnosis: 'H34',
  },
  {
    match: new RegExp(TIMED_OUT, 'i'),
    means:
      'something listens where the API server should, and gives no answer in time: it hangs, or the node or its disk is overloaded',
    try: 'uptime; crictl ps -a | grep -e apiserver -e etcd; crictl logs ID, and look for "took too long"',
    diagnosis: 'H82',
  },
  {
    match: /x509: certificate has expired or is not yet valid/i,
    means: 'a certificate has run out, or the clock is wrong',
    try: 'date; kubeadm certs check-expiration; kubeadm certs renew all',
    diagnosis: 'H67',
  },
  {
    match: /x509: certificate signed by unknown authority/i,
    means: 'the kubeconfig belongs to another cluster, or the CA was made anew under a living cluster',
    try: 'compare the CA in /etc/kubernetes/admin.conf with /etc/kubernetes/pki/ca.crt',
    diagnosis: 'H66',
  },
  {
    match: /x509: certificate is valid for .*, not /i,
    means: "the API server's certificate does not name the address it was called by",
    try: 'openssl x509 -in /etc/kubernetes/pki/apiserver.crt -noout -ext subjectAltName',
    diagnosis: 'H68',
  },
  {
    match: /Unauthorized|must be logged in to the server/i,
    means: 'the API server does not accept the credentials of /etc/kubernetes/admin.conf',
    try: 'kubeadm certs check-expiration; after a restore all control planes need the same sa.key',
    diagnosis: 'H71',
  },
];
