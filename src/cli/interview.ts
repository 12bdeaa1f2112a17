import { readCluster } from '../config/load.ts';
import { asText } from '../config/text.ts';
import { type Initial, initialText, suggestNodeName } from '../config/write.ts';
import { type Problem, Problems } from '../model/problem.ts';
import type { Alias } from '../ssh/aliases.ts';
import { nodeNameOf, withFindings } from './found.ts';
import { type HostWord, hostWord } from './host-word.ts';
import type { Met } from './meet.ts';
import {
  GO_ON,
  hostQuestion,
  nameQuestion,
  nodeQuestion,
  otherHostQuestion,
  pluginQuestion,
  type Question,
  versionQuestion,
} from './questions.ts';

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

/** Whoever answers, and the hosts: everything the interview has of the world. */
export interface Partner {
  /** Whether anybody is there; else every proposal is taken and nothing is asked. */
  readonly asks: boolean;
  /** Takes an answer as it was typed. Throws when there is none to come. */
  readonly ask: (question: Question) => Promise<string>;
  /** Says why an answer cannot be. */
  readonly refuse: (problem: Pick<Problem, 'summary' | 'why'>) => void;
  /** The hosts that are offered. */
  readonly aliases: () => Promise<readonly Alias[]>;
  readonly meet: (host: HostWord) => Promise<Met>;
}

/** What came of it: what to write, and what became of the host. */
export interface Outcome {
  readonly initial: Initial;
  readonly met: Met;
}

/** How many hosts of ssh_config are offered by number. */
const OFFERED = 9;

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
    names.push(
      name ?? (names.length === 0 ? given.node : undefined) ?? suggestNodeName('control-plane', names),
    );
  return {
    name: given.name ?? given.suggested,
    nodes: hosts.map(({ address }, i) => ({ name: names[i] ?? '', address, role: 'control-plane' })),
    ...(given.kubernetes === undefined ? {} : { kubernetes: given.kubernetes }),
    ...(given.plugin === undefined ? {} : { network: { plugin: given.plugin } }),
    ...(given.lab === undefined ? {} : { lab: given.lab }),
    ssh,
  };
}

/** The same question, without its reason. */
function again({ prompt, proposal }: Question): Question {
  return { prompt, ...(proposal === undefined ? {} : { proposal }) };
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

/** Asks until the answer is one the file may hold. @param taken what would be written with that answer. */
type Settle = (question: Question, taken: (answer: string) => readonly [Given, HostWord]) => Promise<string>;

/**
 * Asks for what is not given, meets the host, and makes of it what a new cluster.yaml says. It touches nothing but its partner.
 * @throws Problems what is wrong with what was given, before anything is asked.
 */
export async function interview(given: Given, partner: Partner): Promise<Outcome> {
  const wrong = problemsOf(given, given.hosts.length === 0 ? [NOBODY] : given.hosts);
  if (wrong.length > 0) throw new Problems(wrong);

  const settled: Settle = async (question, taken) => {
    for (let asked = question; ; asked = again(question)) {
      const answer = (partner.asks ? await partner.ask(asked) : '') || question.proposal;
      if (answer === undefined) {
        partner.refuse({ summary: 'there is nothing to propose here, so it needs an answer' });
        continue;
      }
      const [wish, host] = taken(answer);
      const [problem] = problemsOf(wish, [host]);
      if (problem === undefined) return answer;
      const summary = problem.summary.replace(/^(nodes\[0\]|network|ssh)\./, '');
      partner.refuse({ ...(problem.why === undefined ? {} : { why: problem.why }), summary });
    }
  };

  const name =
    given.name ??
    (await settled(nameQuestion(given.suggested), (answer) => [{ ...given, name: answer }, NOBODY]));
  const known: Given = { ...given, name };
  const { host, met } = await meetHost(known, partner, settled);
  const hostname = met.is === 'read' ? nodeNameOf(met.facts) : undefined;
  const node =
    host.name ??
    given.node ??
    (await settled(nodeQuestion(hostname), (answer) => [known, { ...host, name: answer }]));
  const kubernetes =
    given.kubernetes ??
    (await settled(versionQuestion(), (answer) => [{ ...known, kubernetes: answer }, host]));
  const plugin =
    given.plugin ??
    (partner.asks
      ? await settled(pluginQuestion(), (answer) => [{ ...known, kubernetes, plugin: answer }, host])
      : undefined);
  const all: Given = { ...known, kubernetes, ...(plugin === undefined ? {} : { plugin }) };
  const initial = initialOf(all, [{ ...host, name: node }]);
  return { initial: withFindings(initial, met, given.today), met };
}

/** Settles on a host, and meets it; where it cannot be read and somebody is there, they may name it again or another. */
async function meetHost(
  given: Given,
  partner: Partner,
  settled: Settle,
): Promise<{ readonly host: HostWord; readonly met: Met }> {
  const aliases = given.hosts.length === 0 && partner.asks ? (await partner.aliases()).slice(0, OFFERED) : [];
  const meant = (answer: string): HostWord =>
    hostWord(/^\d$/.test(answer) ? (aliases[Number(answer) - 1]?.name ?? answer) : answer);
  const ask = (question: Question): Promise<string> =>
    settled(question, (answer) => [given, answer === GO_ON ? NOBODY : meant(answer)]);
  let host = given.hosts[0] ?? meant(await ask(hostQuestion(aliases)));
  for (;;) {
    const met = await partner.meet(host);
    if (met.is !== 'unread' || !partner.asks) return { host, met };
    const other = await ask(otherHostQuestion(host.address));
    if (other === GO_ON) return { host, met };
    host = meant(other);
  }
}
