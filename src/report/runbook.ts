import type { Phase } from '../steps/phase.ts';
import type { Probe, Step } from '../steps/step.ts';
import { cell, code, prose } from './markup.ts';
import { anchor, type Page, placeName, stepSection, type Variant } from './runbook-step.ts';
import { longKubectl } from './shorthand.ts';
import { commonTroubles, hasCommon, troubles } from './trouble.ts';
import { asFunction, typed } from './typed.ts';
import { listed } from './words.ts';

/** One phase with the steps of each of its hosts. */
export interface RunbookPhase {
  readonly phase: Pick<Phase, 'id' | 'title' | 'why' | 'stage' | 'when'>;
  readonly hosts: readonly { readonly host: string; readonly steps: readonly Step[] }[];
}

/** What a runbook is made of. */
export interface RunbookInput {
  readonly cluster: string;
  /** `Kubernetes 1.36.3`, `CRI-O 1.36.1`, `flannel`. */
  readonly parts: readonly string[];
  readonly nodes: readonly { readonly name: string; readonly role: string; readonly address: string }[];
  readonly phases: readonly RunbookPhase[];
}

interface Part {
  readonly number: number;
  readonly variants: readonly Variant[];
  readonly step: Step;
}

interface Chapter {
  readonly phase: RunbookPhase;
  readonly parts: readonly Part[];
}

function isSame(a: Step, b: Step): boolean {
  return a.read.text === b.read.text && a.want === b.want && a.make?.text === b.make?.text;
}

/** The steps of a phase in their order, each once for all hosts on which it reads, wants and makes the same. */
function variantsOf(phase: RunbookPhase): readonly (readonly Variant[])[] {
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

function numbered(phases: readonly RunbookPhase[]): readonly Chapter[] {
  let number = 0;
  return phases.map((phase) => ({
    phase,
    parts: variantsOf(phase).map((variants) => {
      number += 1;
      return { number, variants, step: (variants[0] as Variant).step };
    }),
  }));
}

function stageText({ phase, hosts }: RunbookPhase): string {
  const when = phase.when === 'changed' ? ' Done after something was made; it leaves nothing behind.' : '';
  if (phase.stage === 'operator') return `On your own machine.${when}`;
  return `On ${listed(
    hosts.map((h) => placeName(h.host)),
    6,
  )}, as root.${when}`;
}

/** A probe whose call is longer than this is worth a name when several steps ask it. */
const LONG_CALL = 100;

/** The long questions that several steps of a chapter ask, all in the same words. */
function askedOften({ parts }: Chapter): readonly Probe[] {
  const steps = parts.flatMap((part) => part.variants.map((variant) => variant.step));
  const uses = new Map<string, { probe: Probe; texts: Set<string>; steps: number }>();
  for (const step of steps) {
    for (const probe of step.probes ?? []) {
      const known = uses.get(probe.name) ?? { probe, texts: new Set<string>(), steps: 0 };
      known.texts.add(probe.run.text);
      known.steps += 1;
      uses.set(probe.name, known);
    }
  }
  return [...uses.values()]
    .filter(({ probe, texts, steps: n }) => n > 1 && texts.size === 1 && probe.run.text.length > LONG_CALL)
    .map(({ probe }) => probe);
}

function saidOnce(probes: readonly Probe[], shorten: Page['shorten']): string[] {
  if (probes.length === 0) return [];
  const functions = probes.map((probe) => shorten(asFunction(probe))).join('\n');
  return ['Several steps of this chapter ask the same question. Say it once:', code(functions, 'sh')];
}

function contents(chapters: readonly Chapter[], hasTroubles: boolean): string {
  const lists = chapters.map(({ phase, parts }) => {
    const head = `**[${prose(phase.phase.title)}](#${anchor(`phase/${phase.phase.id}`)})**`;
    return [
      head,
      parts.map((p) => `${p.number}. [${prose(p.step.title)}](#${anchor(p.step.id)})`).join('\n'),
    ];
  });
  return [...lists.flat(), ...(hasTroubles ? ['**[What many steps may meet](#troubles)**'] : [])].join(
    '\n\n',
  );
}

function nodeTable(nodes: RunbookInput['nodes']): string {
  const rows = nodes.map((n) => `| ${[n.name, n.role, n.address].map(cell).join(' | ')} |`);
  return ['| node | role | address |', '|---|---|---|', ...rows].join('\n');
}

function kubectlText(long: string | undefined): string[] {
  if (long === undefined) return [];
  return [
    'In what follows, `kubectl` is short for a longer call, with the node’s own credentials and a limit on the time an answer may take. On a node, as root, say this once:',
    code(`kubectl() { ${long} "$@"; }`, 'sh'),
  ];
}

/** The whole way to a cluster as one would do it by hand: reason, command, what one should see, what to do otherwise. */
export function runbookText(input: RunbookInput): string {
  const chapters = numbered(input.phases);
  const parts = chapters.flatMap((chapter) => chapter.parts);
  const steps = parts.flatMap((p) => p.variants.map((v) => v.step));
  const long = longKubectl(
    steps.flatMap((step) => [step.read, step.make].map((shell) => typed(shell?.text ?? '', step))),
  );
  const page = {
    troubles: troubles(steps),
    shorten: (text: string) => (long === undefined ? text : text.replaceAll(long, 'kubectl')),
    giver: (slot: string) => parts.find((p) => p.step.gives?.includes(slot) === true)?.number,
  };
  const head = [
    `# ${input.cluster}: from bare machines to a cluster, by hand`,
    `This is everything \`landfall apply\` does to make ${input.cluster} out of ${listed(input.parts)}, written so that you can follow it, check it, or do it yourself.`,
    'Each step gives its reason, a command that only looks, what that command should print, and what to do when it prints something else. Then look again: a step is done when it prints what it should. A step that already does needs nothing. What a program says when it fails is listed below it, with what that means and what to do.',
    'Landfall itself is more careful than your hands need to be: it writes each file beside its place and moves it there, so that a power cut leaves no half of one, and waits up to two minutes when another program is installing packages. What undoes a step is shown by `landfall explain STEP`.',
    nodeTable(input.nodes),
    ...kubectlText(long),
    '## Contents',
    contents(chapters, hasCommon(page.troubles)),
  ];
  const body = chapters.flatMap((chapter) => {
    const { phase, parts: own } = chapter;
    const probes = askedOften(chapter);
    const said = new Set(probes.map(({ name }) => name));
    const hosts = phase.hosts.map((h) => h.host);
    return [
      `<a id="${anchor(`phase/${phase.phase.id}`)}"></a>`,
      `## ${prose(phase.phase.title)}`,
      prose(phase.phase.why),
      `*${stageText(phase)}*`,
      ...saidOnce(probes, page.shorten),
      ...own.map((p) => stepSection(p.variants, p.number, hosts, { ...page, said })),
    ];
  });
  return `${[...head, ...body, ...commonTroubles(page.troubles)].join('\n\n')}\n`;
}
