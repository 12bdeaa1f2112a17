import type { Step } from '../steps/step.ts';
import { code, inline, prose } from './markup.ts';
import { sharedTexts } from './shorthand.ts';
import { troubleText, type Troubles } from './trouble.ts';
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
  /** Functions the chapter's head has told: the probes many of its steps ask. */
  readonly said: ReadonlySet<string>;
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
    : [`This waits for ${prose(step.awaits)}: look again, for up to ${limit}.`];
}

function handedOver(step: Step, page: Page): string[] {
  const secrets = (step.secrets ?? []).map(
    ({ slot, is }) => `${inline(`$${variable(slot)}`)} is ${prose(is)}.`,
  );
  const taken = (step.takes ?? []).map((slot) => {
    const giver = page.giver(slot);
    const from = giver === undefined ? 'an earlier step' : `step ${giver}`;
    return `${inline(`$${variable(slot)}`)} is what ${from} found.`;
  });
  return [...taken, ...secrets];
}

/** A text of more lines than this is not shown twice in one step. */
const MANY = 5;

/** What one should see: short enough, it stands in the sentence; written out below, it is not repeated. */
function expected(want: string, below: string): string[] {
  if (want === '') return ['It should print nothing.'];
  const [first = '', ...rest] = want.split('\n');
  if (rest.length === 0) return [`It should print ${inline(want)}.`];
  if (rest.length > MANY && below.includes(`\n${rest.join('\n')}\n`))
    return [`It should print ${inline(first)}, and then the text that is written below.`];
  return ['It should print:', code(want, 'text')];
}

/** Look, see, otherwise: the part of a step that may differ from host to host. */
function body(step: Step, page: Page): string[] {
  const { make } = step;
  const said = [step.read, ...(make === undefined ? [] : [make])].map((shell) =>
    page.shorten(typed(shell.text, step, page.said)),
  );
  const { shared, texts } = sharedTexts(said, anchor(step.id));
  return [
    ...shared.flatMap((s) => [
      `With this in a file ${inline(s.name)}:`,
      code(s.body, s.name.endsWith('.yaml') ? 'yaml' : 'text'),
    ]),
    ...handedOver(step, page),
    code(texts[0] ?? '', 'sh'),
    ...expected(step.want, texts[1] ?? ''),
    ...(make === undefined ? [] : ['Otherwise:', code(texts[1] ?? '', 'sh')]),
    ...patience(step),
  ];
}

/** What to do when making has not helped, or when there is nothing to be made. */
function otherwise(step: Step, page: Page): string[] {
  const isYours = step.make === undefined && (step.within ?? 0) === 0;
  if (!isYours) return troubleText(step, page.troubles, 'When it fails');
  const when = 'When it prints something else, that is yours to mend';
  const told = troubleText(step, page.troubles, when);
  return told.length === 0 ? [`${when}.`] : told;
}

/** Where it is done, where the chapter's head has not said so, and what it puts at risk. */
function aside({ id, disturbs }: Step, hosts: readonly string[], all: readonly string[]): string {
  const where = hosts.length === all.length ? [] : [`on ${listed(hosts.map(placeName), 6)}`];
  const risk = disturbs === undefined ? [] : [RISKS[disturbs]];
  return [`\`${id}\``, ...where, ...risk].join(' · ');
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
  return [
    `<a id="${anchor(step.id)}"></a>`,
    `### ${number}. ${prose(step.title)}`,
    aside(step, hosts, all),
    prose(step.why),
    ...variants.flatMap((v) =>
      variants.length === 1
        ? body(v.step, page)
        : [`**On ${listed(v.hosts.map(placeName))}**`, ...body(v.step, page)],
    ),
    ...otherwise(step, page),
    ...(step.see === undefined || step.see.length === 0 ? [] : [furtherReading(step.see)]),
  ].join('\n\n');
}
