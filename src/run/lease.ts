import { parseEntries } from '../model/applied.ts';
import { controlPlanes, type Node } from '../model/cluster.ts';
import type { Facts } from '../model/facts.ts';
import { led } from '../model/lead.ts';
import { Problem } from '../model/problem.ts';
import { streamReader } from '../shell/parse.ts';
import type { Host } from '../ssh/host.ts';
import { type Holder, holderOf, isGone, parseHolder } from './hold.ts';
import { freeScript, identityOf, LASTS, leaseScript } from './lease-script.ts';
import { passing } from './patience.ts';
import { plainScript } from './script.ts';
import { now, type RunOptions } from './take.ts';

/** The cluster, ours until released: beside the locks of its hosts, as others may know of hosts that we do not. */
export interface Lease {
  /** The run that was the last to write down what it applied, as the cluster has it now. */
  readonly lastRun?: string;
  /**
   * Takes the Lease again when what renewed it has been lost; nothing when it has not, and nothing while no API server answers.
   * @throws Problem `run/held` (exit 5) when somebody else has taken it meanwhile.
   */
  readonly keep: () => Promise<void>;
  /** Ends what renews it, and gives it back. */
  readonly release: () => Promise<void>;
  /** Ends what renews it, and leaves it to run out. */
  readonly leave: () => Promise<void>;
}

/** Who is named by a Lease that is not ours. */
interface Other {
  readonly identity: string;
  readonly holder?: Holder;
}

interface Got {
  readonly is: 'got';
  readonly lastRun?: string;
  readonly from?: Other;
  readonly host: Host;
  readonly node: Node;
  readonly let: () => Promise<void>;
  readonly isLost: () => boolean;
}

type Answer =
  | Got
  | { readonly is: 'held' | 'gone'; readonly by: Other }
  | { readonly is: 'none' }
  | { readonly is: 'silent'; readonly why: string };

interface Asking {
  readonly options: RunOptions;
  readonly facts: Readonly<Record<string, Facts>>;
  readonly self: Holder;
}

function otherOf([identity = '', json]: readonly string[]): Other {
  const holder = parseHolder(json);
  return { identity, ...(holder === undefined ? {} : { holder }) };
}

const named = ({ identity, holder }: Other): string =>
  holder === undefined
    ? identity
    : `${holder.user}@${holder.machine} (landfall ${holder.command}, run ${holder.run}, since ${holder.since})`;

function notice({ options }: Asking, code: string, text: string, host?: string): void {
  options.on({ is: 'notice', at: now(), code, ...(host === undefined ? {} : { host }), text });
}

/** Asks on one control plane, and stays there when it has got the Lease. */
function ask(asking: Asking, node: Node, host: Host, steal: string): Promise<Answer> {
  const { options, facts, self } = asking;
  const script = leaseScript(
    { cluster: options.site.cluster, node, facts: facts[node.name] as Facts },
    self,
    steal,
  );
  return new Promise((resolve, reject) => {
    const abort = new AbortController();
    let isLost = false;
    let from: Other | undefined;
    const letGo = async (): Promise<void> => {
      abort.abort();
      await session.catch(() => undefined);
    };
    const reader = streamReader(
      (r) => {
        if (r.is !== 'said') return;
        if (r.word === 'none') resolve({ is: 'none' });
        if (r.word === 'held') resolve({ is: 'held', by: otherOf(r.texts) });
        if (r.word === 'took') from = otherOf(r.texts);
        if (r.word === 'lost') isLost = true;
        if (r.word === 'waiting') {
          const by = otherOf(r.texts);
          if (by.holder === undefined || !isGone(by.holder, self)) {
            notice(
              asking,
              'run/lease',
              `the cluster is held by ${named(by)}; looking for ${LASTS} s at most whether that run lives`,
            );
            return;
          }
          abort.abort();
          resolve({ is: 'gone', by });
        }
        if (r.word === 'got') {
          const lastRun = parseEntries(r.texts[0] ?? '')[0]?.run;
          resolve({
            is: 'got',
            host,
            node,
            let: letGo,
            isLost: () => isLost,
            ...(lastRun === undefined ? {} : { lastRun }),
            ...(from === undefined ? {} : { from }),
          });
        }
      },
      () => undefined,
    );
    const session = host.run(plainScript(script), { signal: abort.signal, onData: reader.feed });
    session.then(
      (out) => {
        isLost = true;
        resolve({ is: 'silent', why: out.stderr.trim().split('\n').at(-1) ?? '' });
      },
      (error: unknown) => {
        isLost = true;
        reject(error instanceof Error ? error : new Error(String(error)));
      },
    );
  });
}

/** Asks one control plane after another until one has an API server that answers. */
async function take(asking: Asking): Promise<Got | { readonly is: 'none' | 'silent'; readonly why: string }> {
  const { options, facts } = asking;
  let why: string | undefined;
  for (const node of controlPlanes(led(options.site.cluster, facts))) {
    const host = options.site.hosts.get(node.name);
    if (host === undefined || facts[node.name]?.member !== true) continue;
    try {
      let answer = await ask(asking, node, host, '');
      if (answer.is === 'gone') {
        const { by } = answer;
        answer = await ask(asking, node, host, by.holder === undefined ? '' : identityOf(by.holder));
      }
      if (answer.is === 'held' || answer.is === 'gone') throw held(options.site.cluster.name, answer.by);
      if (answer.is === 'got') return answer;
      if (answer.is === 'silent') why ??= answer.why;
    } catch (error) {
      const lost = passing(error);
      if (lost === undefined) throw error;
      why ??= lost;
    }
  }
  return why === undefined ? { is: 'none', why: '' } : { is: 'silent', why };
}

function held(cluster: string, by: Other): Problem {
  const { holder } = by;
  return new Problem({
    code: 'run/held',
    summary: `${cluster} is being worked on by ${holder === undefined ? by.identity : `${holder.user}@${holder.machine} (process ${holder.pid})`}`,
    ...(holder === undefined
      ? {}
      : { saw: `landfall ${holder.command}, run ${holder.run}, since ${holder.since}` }),
    why: 'that run may be at work on hosts that this cluster.yaml does not name, and two runs would undo each other',
    try: 'wait until that run is over, or end it there: its Lease in kube-system runs out by itself',
    exit: 5,
  });
}

/**
 * Takes the cluster for this run. Where no API server answers nothing is taken: what mends it must not wait for it, and the locks of the
 * hosts are held all the same.
 * @param facts as just read: who is a member.
 * @throws Problem `run/held` (exit 5) naming who has it and since when.
 */
export async function takeLease(
  options: RunOptions,
  facts: Readonly<Record<string, Facts>>,
): Promise<Lease | undefined> {
  if (!options.detached) return undefined;
  const asking: Asking = { options, facts, self: holderOf(options.run, options.command, new Date()) };
  const tellFrom = ({ from, node }: Got): void => {
    if (from === undefined) return;
    notice(
      asking,
      'run/lease-taken-over',
      `took the cluster over from ${named(from)}: that run has ended without giving it back`,
      node.name,
    );
  };
  const first = await take(asking);
  if (first.is !== 'got') {
    if (first.is === 'silent') {
      notice(
        asking,
        'run/no-lease',
        `no API server answers, so the cluster itself cannot be held; the locks on its hosts are (${first.why})`,
      );
    }
    return undefined;
  }
  let got: Got = first;
  tellFrom(got);
  return {
    ...(first.lastRun === undefined ? {} : { lastRun: first.lastRun }),
    keep: async () => {
      if (!got.isLost()) return;
      const again = await take(asking);
      if (again.is !== 'got') return;
      got = again;
      tellFrom(got);
    },
    release: async () => {
      await got.let();
      const seat = { cluster: options.site.cluster, node: got.node, facts: facts[got.node.name] as Facts };
      await got.host.run(plainScript(freeScript(seat, asking.self))).catch(() => undefined);
    },
    leave: () => got.let(),
  };
}
