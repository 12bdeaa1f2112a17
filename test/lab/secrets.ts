import { type ChildProcess, spawn } from 'node:child_process';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { initPid } from '../../src/lab/host.ts';
import type { Lab } from '../../src/lab/spec.ts';
import { wellOnHost } from './harness.ts';

/** A text that must be nowhere but in its own place, and what it is a part of. */
export type Secrets = ReadonlyMap<string, string>;

/** How many characters of a secret are looked for: the length of the shortest, the secret half of a bootstrap token. */
const WINDOW = 16;

/** What stands in the middle of a text's base64 wherever in a longer text it begins. */
function encoded(text: string): readonly string[] {
  return [0, 1, 2].map((shift) => {
    const whole = Buffer.from(' '.repeat(shift) + text).toString('base64');
    return whole.slice(shift === 0 ? 0 : 4).replace(/.{0,3}=*$/, '');
  });
}

/** Every part of these texts that is as long as what is looked for. */
function windows(texts: readonly string[]): ReadonlySet<string> {
  return new Set(
    texts.flatMap((text) =>
      Array.from({ length: Math.max(0, text.length - WINDOW + 1) }, (_, at) => text.slice(at, at + WINDOW)),
    ),
  );
}

/**
 * Every secret a cluster has: the keys' lines and the bootstrap tokens, each also as base64 of itself, so that it is found in what
 * was encoded once more. Lines with a part of what a certificate shows to everybody are none: an RSA key's file holds its public
 * half too.
 */
export async function secretsOf(lab: Lab, host: string): Promise<Secrets> {
  const text = await wellOnHost(
    lab,
    host,
    `cd /etc/kubernetes
    cat $(find pki /var/lib/kubelet/pki -name '*.crt' -o -name '*.pub' -o -name '*.pem') | sed '/BEGIN.*PRIVATE/,/END.*PRIVATE/d; s#^#public\\t#'
    for file in $(grep -lr 'PRIVATE KEY' pki /var/lib/kubelet/pki); do sed "s#^#$file\\t#" "$file"; done
    for file in *.conf; do
      sed -n 's/.*client-key-data: //p' "$file" | base64 -d | sed "s#^#$file\\t#"
    done
    for secret in $(kubectl --kubeconfig admin.conf -n kube-system get secrets --field-selector type=bootstrap.kubernetes.io/token -o name); do
      kubectl --kubeconfig admin.conf -n kube-system get "$secret" -o jsonpath='{.data.token-secret}' | base64 -d | sed "s#^#$secret\\t#"
      echo
    done`,
  );
  const found = new Map<string, string>();
  const lines = text.split('\n').map((line) => line.split('\t'));
  const shown = windows(lines.flatMap(([source, value]) => (source === 'public' ? [value ?? ''] : [])));
  let inKey = false;
  for (const [source = '', value = ''] of lines) {
    if (source === 'public') continue;
    if (value.startsWith('-----')) {
      inKey = value.includes('BEGIN') && value.includes('PRIVATE KEY');
      continue;
    }
    const isToken = source.startsWith('secret/');
    if (value.length < WINDOW || !(inKey || isToken)) continue;
    if ([...windows([value])].some((part) => shown.has(part))) continue;
    for (const form of [value, ...encoded(value)]) if (form.length >= WINDOW) found.set(form, source);
  }
  return found;
}

/** Gives the secrets that stand in some bytes, by what they are a part of. */
type Finder = (bytes: Buffer) => readonly string[];

/** Four bytes as a number below 65,536: where no secret begins with such four, nothing more need be looked at. */
const mixed = (bytes: Buffer, at: number): number =>
  ((bytes[at] ?? 0) ^
    ((bytes[at + 1] ?? 0) << 3) ^
    ((bytes[at + 2] ?? 0) << 6) ^
    ((bytes[at + 3] ?? 0) << 9)) &
  0xffff;

function finder(secrets: Secrets): Finder {
  const heads = new Map([...secrets.keys()].map((secret) => [secret.slice(0, WINDOW), secret]));
  const begins = new Uint8Array(2 ** 16);
  for (const head of heads.keys()) begins[mixed(Buffer.from(head, 'latin1'), 0)] = 1;
  return (bytes) => {
    const found = new Set<string>();
    for (let at = 0; at + WINDOW <= bytes.length; at += 1) {
      if (begins[mixed(bytes, at)] === 0) continue;
      const secret = heads.get(bytes.toString('latin1', at, at + WINDOW));
      // A line cut short by somebody who shows only so many characters is a leak too.
      if (secret !== undefined) found.add(secrets.get(secret) ?? '');
    }
    return [...found];
  };
}

/** The secrets that stand in a text, by what they are a part of. */
export function foundIn(text: string, secrets: Secrets): readonly string[] {
  return finder(secrets)(Buffer.from(text));
}

/** A file that holds secrets. */
export interface Holding {
  readonly path: string;
  readonly mode: number;
  readonly found: readonly string[];
}

/** Files of this size and more are images and disks. */
const LARGE = 32 * 2 ** 20;

/** Every file below a folder that holds a secret. Neither links nor other file systems than the folder's are followed. */
export function filesHolding(
  folder: string,
  secrets: Secrets,
  leftOut: readonly string[] = [],
): readonly Holding[] {
  const device = lstatSync(folder).dev;
  const find = finder(secrets);
  const look = (dir: string): readonly Holding[] =>
    readdirSync(dir).flatMap((name): readonly Holding[] => {
      const path = join(dir, name);
      if (leftOut.includes(path)) return [];
      try {
        const stat = lstatSync(path);
        if (stat.isDirectory()) return stat.dev === device ? look(path) : [];
        // What is mounted on a file, such as a network namespace's handle, is none.
        if (!stat.isFile() || stat.dev !== device || stat.size > LARGE) return [];
        const found = find(readFileSync(path));
        return found.length === 0 ? [] : [{ path, mode: stat.mode & 0o7777, found }];
      } catch (error) {
        // What lives on a living host may go while it is looked at.
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
    });
  return look(folder);
}

/** The root of a running lab host's files, seen from this machine. */
export async function rootOf(lab: Lab, host: string): Promise<string> {
  return `/proc/${await initPid(lab, host)}/root`;
}

/** Everything that is told of processes while it runs: what each is called with, on this machine and on all its lab hosts. */
export interface Sampler {
  readonly end: () => Promise<string>;
}

// A process is looked at until it is a quarter of a second old: by then it has become what it was started for.
const SAMPLE = String.raw`
$| = 1; $SIG{TERM} = sub { exit };
for (my $round = 0; ; $round++) {
  %since = () if $round % 400 == 0;
  opendir(my $proc, '/proc');
  for my $pid (grep { /^\d+$/ } readdir $proc) {
    next if ($since{$pid} //= $round) < $round - 8;
    open(my $file, '<', "/proc/$pid/cmdline") or next;
    local $/; my $line = <$file> // '';
    print $line, "\n" unless $told{$line}++;
  }
  select(undef, undef, undef, 0.03);
}`;

/** Begins to look at all processes, about thirty times a second. */
export function sampler(): Sampler {
  const child: ChildProcess = spawn('perl', ['-e', SAMPLE], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout?.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
  const ended = new Promise<void>((done) => child.on('close', () => done()));
  return {
    end: async () => {
      child.kill();
      await ended;
      return text.replaceAll('\0', ' ');
    },
  };
}
