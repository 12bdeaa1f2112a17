import { isTrouble, type PairAnswer } from '../model/pair.ts';
import { NEIGHBOURS, PAIR_CLUES } from '../steps/pairs.ts';
import type { Look } from './look.ts';
import { pad, width } from './width.ts';
import { count } from './words.ts';

/** What the ways between nodes have come to: a row each node that was asked, then each trouble with what to do about it. */
export function pairsLines(
  answers: readonly PairAnswer[],
  planes: readonly string[],
  look: Look,
): readonly string[] {
  const { paint, signs } = look;
  if (answers.length === 0) return ['Between the nodes: nobody was there to be asked'];
  const wrong = (answer: PairAnswer): boolean =>
    isTrouble(answer, planes.includes(answer.from) && planes.includes(answer.to));
  const rows = [...new Set(answers.map(({ from }) => from))].map((from) =>
    row(
      from,
      answers.filter((one) => one.from === from),
    ),
  );
  const columns = [0, 1, 2, 3, 4].map((i) => Math.max(...rows.map((cells) => width(cells[i] ?? ''))));
  const troubles = answers.filter(wrong);
  return [
    `${paint.strong('Between the nodes')}: each control plane asks all others, each worker the control planes and ${NEIGHBOURS} more at most`,
    ...rows.map((cells) => `  ${cells.map((cell, i) => pad(cell, columns[i] ?? 0)).join('   ')}`.trimEnd()),
    ...troubles.slice(0, 20).flatMap((one) => {
      const clue = PAIR_CLUES.find(({ match }) => match.test(`${one.to} ${one.kind} ${one.what} ${one.is}`));
      return [
        `  ${paint.wrong(signs.wrong)} ${one.from} to ${one.to}: ${words(one)}`,
        ...(clue === undefined ? [] : [`    why: ${clue.means}`, `    try: ${clue.try}`]),
      ];
    }),
    ...(troubles.length > 20 ? [`  and ${troubles.length - 20} more`] : []),
  ];
}

function row(from: string, answers: readonly PairAnswer[]): readonly string[] {
  const peers = new Set(answers.map(({ to }) => to)).size;
  const of = (...kinds: readonly PairAnswer['kind'][]): readonly PairAnswer[] =>
    answers.filter(({ kind, is }) => kinds.includes(kind) && is !== 'untold');
  const fine = (some: readonly PairAnswer[]): number =>
    some.filter(({ is }) => ['open', 'refused', 'passes'].includes(is)).length;
  const ports = of('tcp', 'udp', 'vrrp', 'adverts');
  const sizes = of('size');
  const slowest = Math.max(...of('rtt').map(({ is }) => Number(is)));
  const farthest = Math.max(...of('clock').map(({ is }) => Math.abs(Number(is))));
  return [
    from,
    `asked ${count(peers, 'node')}`,
    ports.length === 0 ? 'no port was told of' : `${fine(ports)} of ${count(ports.length, 'port')} reached`,
    sizes.length === 0
      ? 'no packet was told of'
      : `${sizes[0]?.what ?? 0} bytes pass to ${fine(sizes)} of ${sizes.length}`,
    Number.isFinite(slowest) ? `an answer takes ${slowest} ms at most` : '',
    Number.isFinite(farthest) ? `clocks are ${farthest} ms apart at most` : '',
  ];
}

function words({ kind, what, is }: PairAnswer): string {
  switch (kind) {
    case 'size':
      return `packets of ${what} bytes do not arrive`;
    case 'vrrp':
    case 'adverts':
      return 'VRRP (IP protocol 112) is not heard';
    case 'rtt':
      return `an answer takes ${is} ms`;
    case 'clock':
      return `its clock is ${is.replace('-', '')} ms ${is.startsWith('-') ? 'behind' : 'ahead'}`;
    default:
      return `${kind} port ${what} is ${is}`;
  }
}
