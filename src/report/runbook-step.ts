import type { Step } from '../steps/step.ts';
import { code, inline, prose } from './markup.ts';
import { sharedTexts } from './shorthand.ts';
import { type Troubles, troubleText } from './trouble.ts';
import { typed, variable } from './typed.ts';
import { listed, span } from './words.ts';

/** One step and the hosts on which it is exactly this. */
export interface Variant {
  readonly step: Step;
  readonly hosts: readonly string[];
}

/** What a step's section needs to know of the page it stands on. */
export interface Page {
  readonly troubles: Troubles;
  /** What is said in full by scripts and in short here: `kubectl`. */
  readonly shorten: (text: string) => string;
  /** The number of the step that hands over a late value. */
  readonly giver: (slot: string) => number | undefined;
}

/** A stable name to link to: `kernel-ip-forward`. */
export function anchor(id: string): string {
  return id.replaceAll('/', '-');
}

/** A host as the reader knows it. */
export function placeName(host: string): string {
  return host === 'here' ? 'your own machine' : host;
}

const RISKS = {
  service: 'restarts a service',
  node: 'stops what runs on the node',
  data: 'puts data at risk',
} as const;

function furtherReading(see: readonly string[]): string {
  return `Read on: ${listed(see.map((s) => (/^https?:/.test(s) ? `<${s}>` : prose(s))))}.`;
}

/** What is said of a reading that takes its time to become right. */
function patience(step: Step): string[] {
  if (step.within === undefined || step.within === 0) return [];
  const limit = span(step.within * 1000);
  return step.awaits === undefined
    ? [`It may take up to ${limit} to get there: look again.`]
    : [`This waits for ${prose(step.awaits)}; give it up to ${limit}.`];
}

function handedOver(step: Step, page: Page): string[] {
  return (step.takes ?? []).map((slot) => {
    const giver = page.giver(slot);
    const from = giver === undefined ? 'an earlier step' : `step ${giver}`;
    return `${inline(`$${variable(slot)}`)} is what ${from} found.`;
  });
}

/** Look, see, otherwise: the part of a step that may differ from host to host. */
function body(step: Step, page: Page): string[] {
  const wait = patience(step);
  const { make } = step;
  const said = [step.read, ...(make === undefined ? [] : [make])].map((shell) =>
    page.shorten(typed(shell.text, step)),
  );
  const { shared, texts } = sharedTexts(said, anchor(step.id));
  return [
    ...shared.flatMap((s) => [
      `With this in a file ${inline(s.name)}:`,
      code(s.body, s.name.endsWith('.yaml') ? 'yaml' : 'text'),
    ]),
    ...handedOver(step, page),
    code(texts[0] ?? '', 'sh'),
    step.want === '' ? 'It should print nothing.' : 'It should print:',
    ...(step.want === '' ? [] : [code(step.want, 'text')]),
    ...(make === undefined ? [] : ['Otherwise:', code(texts[1] ?? '', 'sh')]),
    ...(make === undefined && wait.length === 0
      ? ['This is a check: when it prints something else, that is for you to mend.']
      : []),
    ...wait,
  ];
}

/**
 * One step of the runbook, as Markdown.
 * @param variants the step as it is on each of its hosts; nearly always one.
 * @param all the hosts of its phase.
 */
export function stepSection(
  variants: readonly Variant[],
  number: number,
  all: readonly string[],
  page: Page,
): string {
  const { step } = variants[0] as Variant;
  const hosts = variants.flatMap((v) => v.hosts);
  const where =
    all.length > 1 && hosts.length === all.length ? 'every host' : listed(hosts.map(placeName), 6);
  const risk = step.disturbs === undefined ? '' : ` · ${RISKS[step.disturbs]}`;
  return [
    `<a id="${anchor(step.id)}"></a>`,
    `### ${number}. ${prose(step.title)}`,
    `\`${step.id}\` · on ${where}${risk}`,
    prose(step.why),
    ...variants.flatMap((v) =>
      variants.length === 1
        ? body(v.step, page)
        : [`**On ${listed(v.hosts.map(placeName))}**`, ...body(v.step, page)],
    ),
    ...troubleText(step, page.troubles),
    ...(step.see === undefined || step.see.length === 0 ? [] : [furtherReading(step.see)]),
  ].join('\n\n');
}
