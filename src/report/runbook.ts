import type { Phase } from '../steps/phase.ts';
import type { Step } from '../steps/step.ts';
import { code, inline, prose } from './markup.ts';
import { alternatives, typed } from './typed.ts';
import { listed, span } from './words.ts';

/** One phase with the steps of each of its hosts. */
export interface RunbookPhase {
  readonly phase: Pick<Phase, 'id' | 'title' | 'why' | 'stage' | 'when'>;
  readonly hosts: readonly { readonly host: string; readonly steps: readonly Step[] }[];
}

/** What a runbook is made of. */
export interface RunbookInput {
  readonly cluster: string;
  readonly kubernetes: string;
  /** `Kubernetes 1.36.3`, `CRI-O 1.36.1`, `flannel`. */
  readonly parts: readonly string[];
  readonly nodes: readonly { readonly name: string; readonly role: string; readonly address: string }[];
  readonly phases: readonly RunbookPhase[];
}

/** One step and the hosts on which it is exactly this. */
interface Section {
  readonly step: Step;
  readonly hosts: readonly string[];
}

/** A stable name to link to: `kernel-ip-forward`. */
function anchor(id: string): string {
  return id.replaceAll('/', '-');
}

/** The steps of a phase in their order, each once for all hosts on which it reads, wants and makes the same. */
function sections(phase: RunbookPhase): readonly (readonly Section[])[] {
  const byId = new Map<string, { step: Step; hosts: string[] }[]>();
  for (const { host, steps } of phase.hosts) {
    for (const step of steps) {
      const variants = byId.get(step.id) ?? [];
      const same = variants.find((v) => isSame(v.step, step));
      if (same === undefined) variants.push({ step, hosts: [host] });
      else same.hosts.push(host);
      byId.set(step.id, variants);
    }
  }
  return [...byId.values()];
}

function isSame(a: Step, b: Step): boolean {
  return a.read.text === b.read.text && a.want === b.want && a.make?.text === b.make?.text;
}

function place(host: string): string {
  return host === 'here' ? 'your own machine' : host;
}

function furtherReading(see: readonly string[]): string {
  return `Read on: ${listed(see.map((s) => (/^https?:/.test(s) ? `<${s}>` : inline(s))))}.`;
}

function clues(step: Step): string[] {
  if (step.clues === undefined || step.clues.length === 0) return [];
  return [
    '**When it fails**',
    step.clues
      .map((clue) => {
        const says = listed(alternatives(clue.match).map(inline)).replace(/ and ([^,]*)$/, ' or $1');
        const id = clue.diagnosis === undefined ? '' : ` (${clue.diagnosis})`;
        return `- It says ${says}: ${prose(clue.means)}${id}. **Do:** ${prose(clue.try)}.`.replace(
          /\.\.$/,
          '.',
        );
      })
      .join('\n'),
  ];
}

/** What is said of a reading that takes its time to become right. */
function patience(step: Step): string[] {
  if (step.within === undefined || step.within === 0) return [];
  const limit = span(step.within * 1000);
  return step.awaits === undefined
    ? [`It may take up to ${limit} to get there: look again.`]
    : [`What is waited for is ${prose(step.awaits)}, up to ${limit}: look again.`];
}

/** Look, see, otherwise: the part of a step that may differ from host to host. */
function body(step: Step): string[] {
  const wait = patience(step);
  return [
    code(typed(step.read.text, step), 'sh'),
    step.want === '' ? 'It should print nothing.' : 'It should print:',
    ...(step.want === '' ? [] : [code(step.want, 'text')]),
    ...(step.make === undefined ? [] : ['Otherwise:', code(typed(step.make.text, step), 'sh')]),
    ...(step.make === undefined && wait.length === 0
      ? ['This is a check: when it prints something else, that is for you to mend.']
      : []),
    ...wait,
  ];
}

function section(variants: readonly Section[], number: number, all: readonly string[]): string {
  const first = variants[0] as Section;
  const { step } = first;
  const hosts = variants.flatMap((v) => v.hosts);
  const where = all.length > 1 && hosts.length === all.length ? 'every host' : listed(hosts.map(place), 6);
  const risk =
    step.disturbs === undefined
      ? ''
      : ` · ${{ service: 'restarts a service', node: 'stops what runs on the node', data: 'puts data at risk' }[step.disturbs]}`;
  return [
    `<a id="${anchor(step.id)}"></a>`,
    `### ${number}. ${prose(step.title)}`,
    `\`${step.id}\` · on ${where}${risk}`,
    prose(step.why),
    ...variants.flatMap((v) =>
      variants.length === 1 ? body(v.step) : [`**On ${listed(v.hosts.map(place))}**`, ...body(v.step)],
    ),
    ...clues(step),
    ...(step.see === undefined || step.see.length === 0 ? [] : [furtherReading(step.see)]),
  ].join('\n\n');
}

function stageText(phase: RunbookPhase): string {
  const hosts = phase.hosts.map((h) => h.host);
  const when =
    phase.phase.when === 'changed' ? ' It is done after something was made, and leaves nothing behind.' : '';
  if (phase.phase.stage === 'operator') return `On your own machine.${when}`;
  const where =
    phase.phase.stage === 'seat'
      ? `On ${listed(hosts.map(place))}, as root, with \`KUBECONFIG=/etc/kubernetes/admin.conf\`.`
      : `On ${listed(hosts.map(place), 6)}, as root.`;
  return `${where}${when}`;
}

/** The whole way to a cluster as one would do it by hand: reason, command, what one should see, what to do otherwise. */
export function runbookText(input: RunbookInput): string {
  let number = 0;
  const chapters = input.phases.map((phase) => ({
    phase,
    parts: sections(phase).map((variants) => {
      number += 1;
      return { number, variants, step: (variants[0] as Section).step };
    }),
  }));
  const contents = chapters.map(({ phase, parts }) =>
    [
      `- [${prose(phase.phase.title)}](#${anchor(`phase/${phase.phase.id}`)})`,
      ...parts.map((p) => `  ${p.number}. [${prose(p.step.title)}](#${anchor(p.step.id)})`),
    ].join('\n'),
  );
  const nodes = [
    '| node | role | address |',
    '|---|---|---|',
    ...input.nodes.map((n) => `| ${n.name} | ${n.role} | ${n.address} |`),
  ].join('\n');
  const head = [
    `# ${input.cluster}: from bare machines to a cluster, by hand`,
    `This is everything \`landfall apply\` does to make ${input.cluster} (${input.parts.join(', ')}), written so that you can follow it, check it, or do it yourself.`,
    'Each step gives its reason, a command that only looks, what that command should print, and what to do when it prints something else. Then look again: a step is done when it prints what it should. A step that already does needs nothing.',
    nodes,
    '## Contents',
    contents.join('\n'),
  ];
  const body = chapters.flatMap(({ phase, parts }) => [
    `<a id="${anchor(`phase/${phase.phase.id}`)}"></a>`,
    `## ${prose(phase.phase.title)}`,
    prose(phase.phase.why),
    `*${stageText(phase)}*`,
    ...parts.map((p) =>
      section(
        p.variants,
        p.number,
        phase.hosts.map((h) => h.host),
      ),
    ),
  ]);
  return `${[...head, ...body].join('\n\n')}\n`;
}
