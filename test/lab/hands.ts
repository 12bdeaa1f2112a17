/*
 * What a way to break a step is made of, and the hands that break: see breaks.ts.
 */

/** One way to break one step. */
export interface Break {
  /** What the hand does, in a few words. */
  readonly how: string;
  /** Shell for the host, run by root over plain ssh; with the functions of {@link HANDS}. */
  readonly by: string;
  /** Other steps that show the same act, because they look at the same thing from another side; and why. */
  readonly also?: Readonly<Record<string, string>>;
  /** How it ends; absent: apply makes it right. */
  readonly ends?: Refused | Passes;
  /** What the test clears away afterwards: what the act has left that is no business of Landfall's. */
  readonly tidy?: string;
  /** Why it shares its round only with breaks that give the same reason. */
  readonly alone?: string;
}

/** Apply ends with 1 and tells this step with these words among its own; then the hand that broke it mends it. */
export interface Refused {
  readonly says: RegExp;
  readonly mend: string;
}

/** Apply waits for it; when it is seen to wait, the hand lets go, and apply goes on by itself. */
export interface Passes {
  readonly letGo: string;
  /** An earlier step that may come to wait for the same, when the cluster has noticed by then. */
  readonly orAt?: string;
}

/** The ways to break a step on a living cluster; or why there is none, and the ways before there is a cluster. */
export type Breaks =
  | readonly [Break, ...Break[]]
  | { readonly cannot: string; readonly fresh?: readonly (Break & { readonly ends: Refused })[] };

/** What hands are good at. */
export const HANDS = `
kube() { kubectl --kubeconfig=/etc/kubernetes/admin.conf --cache-dir=/run/hand/kubectl "$@"; }
# Keeps a file as it is, or puts it back as it was kept.
keep() { mkdir -p "/root/kept$(dirname "$1")"; cp -a "$1" "/root/kept$1"; }
back() { mv -T "/root/kept$1" "$1"; }
# A program of the same name, earlier on the PATH; its text is on standard input.
standIn() { cat >"/usr/local/sbin/$1"; chmod 0755 "/usr/local/sbin/$1"; }
# Waits until a command succeeds, two minutes at most.
await() { n=0; until "$@" >/dev/null 2>&1; do n=$((n + 1)); [ "$n" -lt 600 ] || return 1; sleep 0.2; done; }
# Whether anybody listens on this port.
listens() { ss -Hltn "sport = :$1" | grep -q .; }
# Has sshd read its settings anew, and comes back when it takes logins again: a reload leaves a moment in which it takes none.
sshdAnew() { systemctl restart ssh.service; }
# Gives the host its address again, at once, in this scope; its routes go with it and come back.
readdress() {
  set -- "$1" $(ip -o -4 address show up | awk '$2 !~ /^(lo|cni|flannel)/ { print $2, $4; exit }')
  { echo "address del $3 dev $2"; echo "address add $3 dev $2 $1"; ip route show | sed -n '/ via /s/^/route add /p'; } >/run/hand-routes
  ip -batch /run/hand-routes
}
# A package of this name and version, without anything in it.
emptyPackage() {
  at=$(mktemp -d); mkdir "$at/DEBIAN"
  printf 'Package: %s\\nVersion: %s\\nArchitecture: all\\nMaintainer: Nobody <nobody@localhost>\\nDescription: made by hand\\n' "$1" "$2" >"$at/DEBIAN/control"
  dpkg-deb -b "$at" "/tmp/$1.deb" >/dev/null; rm -rf "$at"
}
`;

/** How it ends when apply tells these words, and this mends it. */
export const refused = (says: RegExp, mend: string): Refused => ({ says, mend });

/** A program in the way of the real one, and its removal. */
export function standIn(name: string, text: string): { by: string; mend: string } {
  return { by: `standIn ${name} <<'END'\n#!/bin/sh\n${text}\nEND`, mend: `rm /usr/local/sbin/${name}` };
}

/** Shows another text where the kernel tells of itself. */
export const tell = (file: string, text: string): { by: string; mend: string } => ({
  by: `mkdir -p "/run/hand$(dirname ${file})"; printf '${text}' >/run/hand${file}; mount --bind /run/hand${file} ${file}`,
  mend: `umount ${file}`,
});
