import { readCluster } from '../config/load.ts';
import { asText } from '../config/text.ts';
import { type Initial, initialText, suggestNodeName } from '../config/write.ts';
import { NETWORK_PLUGINS } from '../model/cluster.ts';
import { type Problem, Problems } from '../model/problem.ts';
import { DEFAULT_MINOR, END_OF_LIFE, formatMinor, SUPPORTED_MINORS } from '../model/version.ts';
import { listed } from '../report/words.ts';
import type { Alias } from '../ssh/aliases.ts';
import { nodeNameOf, withFindings } from './found.ts';
import { type HostWord, hostWord } from './host-word.ts';
import type { Met } from './meet.ts';

/** What is settled before anything is asked. */
export interface Given {
  /** What the file will be called, in messages about it. */
  readonly file: string;
  /** The day, ISO 8601, for telling when a host was read. */
  readonly today: string;
  /** The name that is proposed for the cluster. */
  readonly suggested: string;
  readonly name?: string;
  readonly hosts: readonly HostWord[];
  /** The node's name. */
  readonly node?: string;
  readonly user?: string;
  readonly kubernetes?: string;
  readonly plugin?: string;
  readonly sshConfig?: string;
  readonly lab?: string;
}

/** A question with the answer that is proposed. */
export interface Question {
  /** Why it is asked, or what the answers mean: a sentence or two. */
  readonly why: string;
  /** Lines to choose from, below the reason. */
  readonly choices?: readonly string[];
  readonly prompt: string;
  /** What an empty answer means; absent when there is nothing to propose. */
  readonly proposal?: string;
}

/** Whoever answers, and the hosts: everything the interview has of the world. */
export interface Partner {
  /** Whether anybody is there; else every proposal is taken and nothing is asked. */
  readonly asks: boolean;
  /** Takes an answer as it was typed. Throws when there is none to come. */
  readonly ask: (question: Question) => Promise<string>;
  /** Says why an answer cannot be. */
  readonly refuse: (problem: Pick<Problem, 'summary' | 'try'>) => void;
  /** The hosts that are offered. */
  readonly aliases: () => Promise<readonly Alias[]>;
  readonly meet: (host: HostWord) => Promise<Met>;
}

/** What came of it: what to write, and what became of the host. */
export interface Outcome {
  readonly initial: Initial;
  readonly host: HostWord;
  readonly met: Met;
}

/** How many hosts of ssh_config are offered by number. */
const OFFERED = 9;

/** The answer that leaves a host unread: no host can be called so. */
const GO_ON = 'go on';

/** An address that stands for a host nobody has named yet: of those that are kept for examples (RFC 5737). */
const NOBODY: HostWord = { address: '192.0.2.1' };

/** What is written while only this much is known: the judge of every answer is the reader of the file itself. */
function initialOf(given: Given, hosts: readonly HostWord[]): Initial {
  const [first] = hosts;
  const user = first?.user ?? given.user;
  const ssh = {
    ...(user === undefined ? {} : { user }),
    ...(first?.port === undefined ? {} : { port: first.port }),
    ...(given.sshConfig === undefined ? {} : { config: given.sshConfig }),
  };
  const names: string[] = [];
  for (const { name } of hosts)
    names.push(name ?? (names.length === 0 ? given.node : undefined) ?? suggestNodeName('control-plane', names));
  return {
    name: given.name ?? given.suggested,
    nodes: hosts.map(({ address }, i) => ({ name: names[i] ?? '', address, role: 'control-plane' })),
    ...(given.kubernetes === undefined ? {} : { kubernetes: given.kubernetes }),
    ...(given.plugin === undefined ? {} : { network: { plugin: given.plugin } }),
    ...(given.lab === undefined ? {} : { lab: given.lab }),
    ssh,
  };
}

/** All that is wrong with what would be written; none when it is right. */
function problemsOf(given: Given, hosts: readonly HostWord[]): readonly Problem[] {
  try {
    readCluster(asText(given.file, initialText(initialOf(given, hosts))));
    return [];
  } catch (error) {
    if (error instanceof Problems) return error.problems;
    throw error;
  }
}

/**
 * Asks for what is not given, host first looked at, and makes of it what a new cluster.yaml says. It touches nothing but its
 * partner.
 * @throws Problems what is wrong with what was given, before anything is asked.
 */
export async function interview(given: Given, partner: Partner): Promise<Outcome> {
  const wrong = problemsOf(given, given.hosts.length === 0 ? [NOBODY] : given.hosts);
  if (wrong.length > 0) throw new Problems(wrong);

  /** Asks until the answer is one the file may hold. */
  const settled = async (question: Question, taken: (answer: string) => [Given, HostWord]): Promise<string> => {
    for (;;) {
      const answer = (partner.asks ? await partner.ask(question) : '') || question.proposal;
      if (answer === undefined) {
        partner.refuse({ summary: 'there is nothing to propose here', try: 'type one' });
        continue;
      }
      const [problem] = problemsOf(taken(answer)[0], [taken(answer)[1]]);
      if (problem === undefined) return answer;
      partner.refuse({ ...problem, summary: problem.summary.replace(/^(nodes\[0\]|network)\./, '') });
    }
  };

  const name =
    given.name ??
    (await settled(
      {
        why: 'The contexts of kubeconfig, the record of runs and the API server’s own name are made of it.',
        prompt: 'Name of the cluster',
        proposal: given.suggested,
      },
      (answer) => [{ ...given, name: answer }, NOBODY],
    ));
  const known: Given = { ...given, name };
  const { host, met } = await meetHost(known, partner, settled);
  const hostname = met.is === 'read' ? nodeNameOf(met.facts) : undefined;
  const node =
    given.node ??
    host.name ??
    (await settled(
      {
        why: `It is in the node’s certificates and cannot be changed later.${hostname === undefined ? '' : ' The host calls itself so.'}`,
        prompt: 'Name of the node',
        proposal: hostname ?? suggestNodeName('control-plane', []),
      },
      (answer) => [known, { ...host, name: answer }],
    ));
  const kubernetes =
    given.kubernetes ??
    (await settled(
      {
        why: `${formatMinor(DEFAULT_MINOR)} is what add-ons support by now; upstream mends it until ${END_OF_LIFE[DEFAULT_MINOR]}. There are ${listed(SUPPORTED_MINORS.map(formatMinor))}, or an exact version.`,
        prompt: 'Kubernetes',
        proposal: formatMinor(DEFAULT_MINOR),
      },
      (answer) => [{ ...known, kubernetes: answer }, host],
    ));
  const plugin =
    given.plugin ??
    (partner.asks
      ? await settled(
          {
            why: 'flannel is the smallest that works on any network; calico and cilium know NetworkPolicy too; none is for bringing your own. It cannot be changed later.',
            prompt: `Network plugin (${NETWORK_PLUGINS.join(', ')})`,
            proposal: NETWORK_PLUGINS[0],
          },
          (answer) => [{ ...known, kubernetes, plugin: answer }, host],
        )
      : undefined);
  const all: Given = { ...known, kubernetes, node, ...(plugin === undefined ? {} : { plugin }) };
  const { name: _, ...nameless } = host;
  return { initial: withFindings(initialOf(all, [nameless]), met, given.today), host, met };
}

/** Settles on a host, and meets it; where it cannot be read and somebody is there, they may name it again or another. */
async function meetHost(
  given: Given,
  partner: Partner,
  settled: (question: Question, taken: (answer: string) => [Given, HostWord]) => Promise<string>,
): Promise<{ readonly host: HostWord; readonly met: Met }> {
  const aliases = given.hosts.length === 0 && partner.asks ? (await partner.aliases()).slice(0, OFFERED) : [];
  const meant = (answer: string): HostWord =>
    hostWord(/^\d$/.test(answer) ? (aliases[Number(answer) - 1]?.name ?? answer) : answer);
  const ask = (question: Omit<Question, 'prompt'>): Promise<string> =>
    settled({ ...question, prompt: 'Host' }, (answer) => [given, answer === GO_ON ? NOBODY : meant(answer)]);
  let [host] = given.hosts;
  host ??= meant(
    await ask({
      why: `The machine that is to be the node: ADDRESS or USER@ADDRESS, an IPv4 address, a DNS name${
        aliases.length === 0 ? ' or an alias of your ssh_config' : ', or one of your ssh_config by name or number'
      }. It is read now, and nothing is changed there.`,
      choices: aliases.map(({ name, hostName }, i) => `${i + 1}  ${name}${hostName === undefined ? '' : `  ${hostName}`}`),
      ...(aliases.length === 1 && aliases[0] !== undefined ? { proposal: aliases[0].name } : {}),
    }),
  );
  for (;;) {
    const met = await partner.meet(host);
    if (met.is !== 'unread' || !partner.asks) return { host, met };
    const again = await ask({
      why: `${host.address} could not be read. Name it again, or another; or go on without: then the networks are the usual ones, and nobody has looked whether they are free.`,
      proposal: GO_ON,
    });
    if (again === GO_ON) return { host, met };
    host = meant(again);
  }
}
