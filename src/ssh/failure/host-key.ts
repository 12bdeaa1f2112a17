import type { Place } from '../../model/problem.ts';
import type { Attempt, Rule } from './attempt.ts';
import { called, line } from './attempt.ts';
import type { Trail } from './trail.ts';

const CONSOLE = 'for f in /etc/ssh/ssh_host_*_key.pub; do ssh-keygen -lf $f; done';

function shown({ hostKey }: Trail): string {
  return hostKey === undefined ? 'a key we do not know' : `${hostKey.type} ${hostKey.fingerprint}`;
}

/** Where the key we knew is written. */
function known({ words }: Trail): Place | undefined {
  const said = line(words, /^\s*(Offending|Matching) .* in (.+):(\d+)$/);
  const [, file, number] = (said === undefined ? null : / in (.+):(\d+)$/.exec(said)) ?? [];
  return file === undefined ? undefined : { file, line: Number(number), column: 1 };
}

function failed({ words }: Trail): boolean {
  return words.some((word) => word.startsWith('Host key verification failed'));
}

const pinned: Rule = ({ target }, trail) => {
  if (target.hostKey === undefined || !failed(trail)) return undefined;
  return {
    code: 'ssh/host-key-changed',
    summary: `${called(target)} does not have the host key pinned in cluster.yaml; nothing was sent to it`,
    saw: `it shows ${shown(trail)}`,
    why: 'it was installed anew, or its address belongs to another machine now, or somebody stands between you and it',
    try: `compare at its console, not over the network: ${CONSOLE}\nOnly if it shows the same: write the new key as hostKey of ${target.name} in cluster.yaml`,
  };
};

const revoked: Rule = ({ target }, trail) => {
  if (!trail.words.some((word) => /REVOKED HOST KEY|was revoked/.test(word))) return undefined;
  return {
    code: 'ssh/host-key-revoked',
    summary: `${called(target)} shows a host key that is marked as revoked; nothing was sent to it`,
    saw: `it shows ${shown(trail)}`,
    why: 'somebody revoked this key because it may have been stolen: whoever holds it can pose as the host',
    try: 'ask who revoked it; the host needs new keys: ssh-keygen -A after removing /etc/ssh/ssh_host_* at its console',
  };
};

const changed: Rule = ({ target }, trail) => {
  if (
    !trail.words.some((word) =>
      /REMOTE HOST IDENTIFICATION HAS CHANGED|^Host key for .* has changed/.test(word),
    )
  )
    return undefined;
  const where = known(trail);
  return {
    code: 'ssh/host-key-changed',
    summary: `${called(target)} is not the machine we knew: its host key has changed; nothing was sent to it`,
    ...(where === undefined ? {} : { where: { ...where, label: 'the key we knew' } }),
    saw: `it shows ${shown(trail)}`,
    why: 'it was installed anew, or its address belongs to another machine now, or somebody stands between you and it and would be root on your host with you',
    try: `compare at its console, not over the network: ${CONSOLE}\nOnly if it shows the same fingerprint: landfall hosts trust ${target.name}`,
  };
};

const unknown: Rule = ({ target }: Attempt, trail) => {
  if (!failed(trail)) return undefined;
  return {
    code: 'ssh/host-key-unknown',
    summary: `${called(target)} is not known to this machine yet; nothing was sent to it`,
    saw: `it shows ${shown(trail)}`,
    why: 'without its key known beforehand, anybody on the way could pose as it',
    try: `landfall hosts trust ${target.name}`,
  };
};

/** The host is not, or may not be, who it should be. */
export const HOST_KEY: readonly Rule[] = [pinned, revoked, changed, unknown];
