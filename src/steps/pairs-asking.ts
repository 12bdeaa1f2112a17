import type { PairAnswer } from '../model/pair.ts';
import { heredoc, type Shell, sh } from '../shell/sh.ts';

/**
 * What is asked of a way between two nodes: whether a TCP or UDP port is reached, whether a packet of so many bytes arrives whole,
 * whether VRRP passes, whether what a holder of the virtual address says is heard, how long an answer takes, and what the peer's clock
 * shows against the own.
 */
export type PairKind = PairAnswer['kind'];

/** One question to be asked from a host: of whom, what. */
export interface PairQuestion {
  readonly name: string;
  readonly address: string;
  readonly kind: PairKind;
  /** A port, a number of bytes, or 0. */
  readonly what: number;
}

/** How many questions a host asks at once. */
const AT_ONCE = 50;

/**
 * Sends 8 bytes of an IP protocol nobody listens to, and waits for the peer's kernel to say so (RFC 792, "protocol unreachable"): what
 * comes back has been there. perl is part of every Debian and Ubuntu. IP_RECVERR is 11, ENOPROTOOPT 92, MSG_DONTWAIT 64.
 */
const KNOCK = `socket(S, PF_INET, SOCK_RAW, $ARGV[1]) && setsockopt(S, 0, 11, pack("i", 1)) && connect(S, sockaddr_in(0, inet_aton($ARGV[0]))) or exit 2; send(S, "landfall", 0); $r = ""; vec($r, fileno(S), 1) = 1; select($r, undef, undef, 1.5); exit(!defined(recv(S, $b, 64, 64)) && $! == 92 ? 0 : 1)`;

/** Listens for what the peer says of the address it holds, which it does twice a second. */
const HEAR = `socket(S, PF_INET, SOCK_RAW, 112) or exit 2; $end = time + 3; while (time < $end) { $r = ""; vec($r, fileno(S), 1) = 1; select($r, undef, undef, 1) or next; $from = recv(S, $b, 256, 64) or next; exit 0 if inet_ntoa((sockaddr_in($from))[1]) eq $ARGV[0] } exit 1`;

/**
 * Asks the peer's kernel what time it is (RFC 792, "timestamp": milliseconds since midnight UTC) three times, and prints by how many
 * milliseconds its clock is ahead, by the answer that came back soonest. Many networks drop the question, which says nothing of the clock.
 */
const COMPARE = `sub now { $t = "\\0" x 16; syscall(0 + $ARGV[1], 0, $t); ($s, $n) = unpack("qq", $t); return 1e3 * ($s % 86400) + $n / 1e6 }
socket(S, PF_INET, SOCK_RAW, 1) && connect(S, sockaddr_in(0, inet_aton($ARGV[0]))) or exit 2;
$own = $$ & 65535;
for $i (1 .. 3) {
  $sent = now();
  $p = pack("CCnnnNNN", 13, 0, 0, $own, $i, int $sent, 0, 0);
  $sum = unpack("%32n*", $p); $sum = ($sum >> 16) + ($sum & 65535); $sum += $sum >> 16;
  substr($p, 2, 2) = pack("n", ~$sum & 65535);
  send(S, $p, 0);
  while (now() - $sent < 1000) {
    $r = ""; vec($r, fileno(S), 1) = 1; select($r, undef, undef, 0.5) or last;
    defined(recv(S, $b, 256, 64)) or next;
    $back = now();
    ($type, undef, undef, $id, $seq, undef, $in, $out) = unpack("CCnnnNNN", substr($b, 4 * (ord($b) & 15)));
    next unless $type == 14 && $id == $own && $seq == $i;
    $ahead = ($in - $sent + $out - $back) / 2;
    $ahead -= 864e5 while $ahead > 432e5; $ahead += 864e5 while $ahead < -432e5;
    if (!defined($best) || $back - $sent < $best) { $best = $back - $sent; $is = $ahead }
    last;
  }
}
defined($is) or exit 1;
printf("%d", $is + ($is < 0 ? -0.5 : 0.5))`;

/**
 * How each kind of question is answered, into $is, of $at and $what. Nobody needs to listen: a kernel that refuses has been reached. Of UDP
 * and VRRP silence says something only where the same peer answers for another port or protocol; else it is `untold`.
 */
const ANSWERS: Readonly<Record<PairKind, string>> = {
  tcp: `
    said=$(timeout 3 bash -c ': </dev/tcp/$0/$1' "$at" "$what" 2>&1)
    case $?,$said in 0,*) is=open ;; *refused*) is=refused ;; 124,*) is=silent ;; *) is=unreachable ;; esac`,
  udp: `
    knock() { timeout 3 bash -c 'exec 3<>/dev/udp/$0/$1; printf x >&3; read -r -t 1 -u 3' "$at" "$1" 2>&1; }
    case $(knock "$what") in
      *refused*) is=refused ;;
      *'No route'* | *nreachable*) is=unreachable ;;
      *) case $(knock 9) in *refused*) is=silent ;; esac ;;
    esac`,
  size: `
    if ping -n -q -c 2 -i 0.2 -W 1 -M do -s $((what - 28)) "$at" >/dev/null 2>&1; then is=passes
    elif ping -n -q -c 2 -i 0.2 -W 1 "$at" >/dev/null 2>&1; then is=lost; fi`,
  vrrp: `
    knock() { perl -MSocket -e '${KNOCK}' "$at" "$1" 2>/dev/null; }
    if knock 112; then is=passes; elif knock 253; then is=silent; fi`,
  adverts: `
    if perl -MSocket -e '${HEAR}' "$at" 2>/dev/null; then is=passes; else is=silent; fi`,
  rtt: `
    ms=$(ping -n -q -c 3 -i 0.2 -W 1 "$at" 2>/dev/null | sed -n 's,^rtt [^=]*= \\([0-9.]*\\)/.*,\\1,p')
    is=\${ms:-untold}`,
  clock: `
    case $(uname -m) in x86_64) get=228 ;; *) get=113 ;; esac
    ms=$(perl -MSocket -e '${COMPARE}' "$at" "$get" 2>/dev/null)
    is=\${ms:-untold}`,
};

/** What is run for each question, given as `NAME ADDRESS KIND WHAT`, of these kinds. */
function asking(kinds: ReadonlySet<PairKind>): string {
  const branches = Object.entries(ANSWERS).flatMap(([kind, shell]) =>
    kinds.has(kind as PairKind) ? [`  ${kind})${shell} ;;`] : [],
  );
  return [
    'name=$1 at=$2 kind=$3 what=$4 is=untold',
    'case $kind in',
    ...branches,
    'esac',
    'echo "$name $kind $what $is"\n',
  ].join('\n');
}

/** Prints what each question has come to, `NAME KIND WHAT RESULT` a line, sorted. Read-only: nothing is left anywhere. */
export function askPairs(questions: readonly PairQuestion[]): Shell {
  if (questions.length === 0) return sh`:`;
  const list = questions.map(({ name, address, kind, what }) => `${name} ${address} ${kind} ${what}`);
  return sh`
    ask=$(cat ${heredoc(asking(new Set(questions.map(({ kind }) => kind))))}
    )
    { xargs -r -P ${AT_ONCE} -L 1 sh -c "$ask" pair ${heredoc(list.join('\n'))}
    } | sort`;
}
