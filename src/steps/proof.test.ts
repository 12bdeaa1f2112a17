import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { read, standIn, step } from '../../test/steps/scene.ts';
import { clueOf } from '../run/failure.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'landfall-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** A kubectl whose API server is ready, and says this of the rest. */
const kubectl = (script: string): string =>
  standIn(root, 'kubectl', `case "$*" in *readyz*) echo ok; exit ;; esac\n${script}`);

/** A kubectl that knows of these pods and Services. */
const knows = (...lines: readonly string[]): string => kubectl(`cat <<'END'\n${lines.join('\n')}\nEND`);

describe('what is left of a proof', () => {
  const seconds = (ago: number): string =>
    new Date(Date.now() - ago * 1000).toISOString().replace(/\.\d+/, '');
  const left = (namespace: string, pods = ''): string =>
    read(
      step('proof/cleaned'),
      kubectl(
        `case "$*" in *namespaces*) printf 'namespace|default|\\n%s' '${namespace}' ;; *'get pods'*) printf '%s' '${pods}' ;; *) exit 9 ;; esac`,
      ),
    );

  it('is nothing, or only a name that is about to go', () => {
    expect(left('')).toBe('gone');
    expect(left(`namespace|landfall-proof|${seconds(3)}\n`)).toBe('gone');
  });

  it('is a namespace, pods that do not end, or one that should have gone long ago', () => {
    expect(left('namespace|landfall-proof|\n')).toBe('namespace landfall-proof ');
    expect(left(`namespace|landfall-proof|${seconds(3)}\n`, 'pod/web \n')).toBe('pod/web');
    expect(left(`namespace|landfall-proof|${seconds(90)}\n`)).toMatch(/^namespace landfall-proof 20/);
  });

  it('is a pod that takes the time it was given, or has had more', () => {
    const why = (ago: number, at: string): string | undefined => {
      const reading = left(`namespace|landfall-proof|${seconds(ago)}\n`, `pod/web ${at}\n`);
      expect(reading).toContain(at);
      const failure = { host: 'cp-0', state: 'unproven', note: '', output: [], run: '' } as const;
      return clueOf({ ...failure, step: step('proof/cleaned'), reading })?.diagnosis;
    };
    expect([why(3, seconds(-20)), why(90, seconds(-20)), why(90, seconds(20))]).toEqual([
      'H41',
      'H41',
      'H94',
    ]);
  });

  it('is not known while nobody answers', () => {
    expect(read(step('proof/cleaned'), kubectl('exit 1'))).toBe('the API server does not answer');
    expect(read(step('workloads/no-proof'), kubectl('exit 1'))).toBe('the API server does not answer');
  });
});

describe('the pods of a proof', () => {
  const WEB = 'Pod|web|10.244.0.5|True|Running   ';
  const CLIENT = 'Pod|client|10.244.0.6|True|Running   ';

  it('are ready, or say why not', () => {
    expect(read(step('proof/pod'), knows(CLIENT, WEB))).toBe('Ready');
    const waiting = 'Pod|web||False|Pending  ErrImagePull toomanyrequests: slow down';
    expect(read(step('proof/pod'), knows(CLIENT, waiting))).toContain('toomanyrequests');
    expect(read(step('proof/client'), knows(waiting))).toMatch(/^not Ready:/);
    const kept = 'Pod|web||False|Pending 0/1 nodes are available: 1 node(s) had untolerated taint(s).';
    const path = kubectl(
      `case "$*" in *'get nodes'*) echo 'cp-0: node-role.kubernetes.io/control-plane' ;; *) echo '${kept}' ;; esac`,
    );
    expect(read(step('proof/pod'), path)).toBe(
      'not Ready: Pending 0/1 nodes are available: 1 node(s) had untolerated taint(s). (taints of cp-0: node-role.kubernetes.io/control-plane)',
    );
  });

  it.each([
    [[WEB, CLIENT], 'in 10.244.0.0/16'],
    [[WEB, CLIENT.replace('10.244.0.6', '10.85.0.3')], 'a pod has 10.85.0.3'],
    [[WEB.replace('10.244.0.5', '10.245.0.1'), CLIENT], 'a pod has 10.245.0.1'],
    [[WEB], 'a pod has no address'],
  ])('have addresses: %j', (lines, said) => {
    expect(read(step('proof/addresses'), knows(...lines))).toBe(said);
  });
});

describe('questions from inside', () => {
  const asked = (id: string, script: string): { said: string; diagnosis: string | undefined } => {
    const one = step(id);
    const said = read(one, kubectl(script));
    const failure = {
      host: 'cp-0',
      step: one,
      state: 'wrong',
      reading: said,
      note: '',
      output: [],
      run: '',
    } as const;
    return { said, diagnosis: clueOf(failure)?.diagnosis };
  };
  const answer = (words: string, things = 'Pod|web|10.244.0.5|True|'): string =>
    `case "$*" in *'get pods,services'*) echo '${things}' ;; *) printf '%s\\n' '${words}'; exit 1 ;; esac`;

  it.each([
    ['proof/pod-to-pod', 'TIMEOUT', 'H44'],
    ['proof/dns-short', 'DNS: lookup web: no such host', 'H52'],
    ['proof/dns-full', 'DNS: lookup web.landfall-proof.svc.cluster.local: i/o timeout', 'H52'],
    ['proof/exec', 'Error from server: error dialing backend: dial tcp 10.0.0.11:10250: i/o timeout', 'H99'],
    [
      'proof/logs',
      'Error from server: Get "https://10.0.0.11:10250/…": remote error: tls: internal error',
      'H69',
    ],
    ['proof/pod-to-pod', 'error: unable to upgrade connection: pod does not exist', 'H99'],
  ])('%s: %s is %s', (id, words, diagnosis) => {
    const { said, diagnosis: found } = asked(id, answer(words));
    expect(said).toContain(words);
    expect(found).toBe(diagnosis);
  });

  it('find a request in the log, or not', () => {
    expect(read(step('proof/logs'), kubectl(`echo '10.0.0.11 - - "GET / HTTP/1.1" 200'`))).toBe(
      'the request is there',
    );
    expect(read(step('proof/logs'), kubectl('echo start'))).toBe('the request is not there');
  });

  it('ask for names of the world only where the node knows them', () => {
    const one = step('proof/dns-outside');
    standIn(root, 'getent', 'exit 2');
    expect(read(one, kubectl('echo "DNS: no such host"; exit 1'))).toBe('as its node does');
    standIn(root, 'getent', 'exit 0');
    expect(read(one, kubectl('echo "DNS: no such host"; exit 1'))).toBe('DNS: no such host');
    // A way that is shut is not a name that is unknown.
    expect(read(one, kubectl('echo TIMEOUT; exit 1'))).toBe('as its node does');
    expect(read(one, kubectl('exit 0'))).toBe('as its node does');
  });
});
