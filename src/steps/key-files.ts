import { sh } from '../shell/sh.ts';
import type { Step } from './step.ts';

/** Where kubeadm keeps keys and certificates. */
export const PKI = '/etc/kubernetes/pki';

/** Key and certificate pairs below {@link PKI}, an authority first and then what it signs; as kubeadm names them. */
export const AUTHORITIES = {
  ca: ['apiserver', 'apiserver-kubelet-client'],
  'front-proxy-ca': ['front-proxy-client'],
  'etcd/ca': ['etcd/server', 'etcd/peer', 'etcd/healthcheck-client', 'apiserver-etcd-client'],
} as const;

/** The credentials kubeadm writes, the super-admin's among them, which may be taken away later. */
export const CONFIGS = ['admin', 'super-admin', 'kubelet', 'controller-manager', 'scheduler'].map(
  (n) => `${n}.conf`,
);

/** `$data` is set when etcd has begun to keep anything: from then on keys and certificates are in use. */
const hasData = sh`data=; [ ! -d /var/lib/etcd/member ] || data=yes`;

/**
 * kubeadm writes key files before certificates and never half over whole, but not in one stroke either: cut short, it
 * leaves a key without its certificate, or an empty file, and trips over it the next time.
 */
export function tornFiles(): Step {
  return {
    id: 'control-plane/no-torn-files',
    title: 'Clear away files a cut-short init left torn',
    why: 'kubeadm keeps the keys and certificates it finds, and stops at one it finds alone or empty. Nothing has used such a file yet: it was torn while being written. Whole ones are left, and so is everything once the cluster has data.',
    see: ['https://kubernetes.io/docs/setup/best-practices/certificates/'],
    read: sh`
      cd ${PKI} 2>/dev/null || cd /
      # No grep match, no end of file: the file was cut short, or is empty.
      torn=" $(grep -L -e '^-----END' ./*.key ./*.crt ./*.pub etcd/*.key etcd/*.crt 2>/dev/null | sed 's#^\./##' | tr '\n' ' ')"
      whole() { case $torn in *" $1 "*) false ;; *) [ -e "$1" ] ;; esac; }
      found=$({
        for pair in ${Object.entries(AUTHORITIES).flatMap(([a, signed]) => [a, ...signed])}; do
          if [ -e "$pair.key" ] && ! { whole "$pair.key" && whole "$pair.crt"; }; then echo "$pair"; fi
        done
        if [ -e sa.key ] && ! { whole sa.key && whole sa.pub; }; then echo sa; fi
        cd /etc/kubernetes 2>/dev/null && grep -L -e client-key ${CONFIGS} 2>/dev/null
      })
      echo "$found" | sed 's/^$/none/'`,
    want: 'none',
    make: sh`
      whole() { [ -s "$1" ] && tail -n 1 "$1" | grep -q '^-----END'; }
      ${hasData}
      cd ${PKI} 2>/dev/null || cd /
      for family in ${Object.entries(AUTHORITIES).map(([a, signed]) => [a, ...signed].join(' '))}; do
        lost=
        for pair in $family; do
          if [ -e "$pair.key" ] && ! { whole "$pair.key" && whole "$pair.crt"; }; then
            case $pair in
              *ca) if [ -n "$data" ]; then echo "the authority $pair is damaged, and the cluster has data"; exit 1; fi; lost=yes ;;
            esac
            rm -f "$pair.key" "$pair.crt"
          elif [ -n "$lost" ]; then rm -f "$pair.key" "$pair.crt"; fi
        done
        case $lost$family in 'yesca '*) rm -f /etc/kubernetes/*.conf ;; esac
      done
      if [ -e sa.key ] && ! { whole sa.key && whole sa.pub; }; then
        if [ -n "$data" ]; then echo 'the key that signs service accounts is damaged, and the cluster has data'; exit 1; fi
        rm -f sa.key sa.pub
      fi
      cd /etc/kubernetes
      for name in ${CONFIGS}; do
        if [ -e "$name" ] && ! grep -q client-key "$name"; then rm -f "$name"; fi
      done`,
    clues: [
      {
        match: /is damaged, and the cluster has data$/,
        means:
          'a key the running cluster depends on is damaged on the disk; making a new one would cut off everything signed with the old',
        try: 'put /etc/kubernetes/pki back from a backup, then run landfall apply again',
        diagnosis: 'H66',
      },
    ],
  };
}
