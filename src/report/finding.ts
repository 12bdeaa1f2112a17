import type { Finding, Forecast } from '../plan/plan.ts';
import { isUnanswered } from '../plan/unanswered.ts';
import { differenceLines, summary } from './difference.ts';
import type { Look } from './look.ts';
import { listed } from './words.ts';
import { pad, printable, width } from './width.ts';

/** Lines of a difference that are shown of one finding unless asked for in full. */
const DIFF_LINES = 8;

/** A reading or want of more lines than this counts as long, whether its step says so or not. */
const LONG = 40;

/** The widest the column of step names gets. */
const NAME_COLUMN = 34;

/** The sign of a forecast, coloured. */
export function sign(forecast: Forecast, look: Look): string {
  const { signs, paint } = look;
  if (forecast === 'right') return paint.right(signs.right);
  if (forecast === 'make') return paint.differs(signs.differs);
  return forecast === 'wrong' ? paint.wrong(signs.wrong) : paint.unknown(signs.unknown);
}

/** How wide the column of step names is for these findings. */
export function nameColumn(findings: readonly Finding[]): number {
  return Math.min(NAME_COLUMN, Math.max(0, ...findings.map((f) => width(f.step)))) + 2;
}

function until(finding: Finding): string {
  if (isUnanswered(finding)) return 'not known: the API server gave no answer';
  return finding.until === undefined || finding.until.length === 0
    ? 'known later'
    : `known once ${listed(finding.until, 2)} ${finding.until.length === 1 ? 'holds' : 'hold'}`;
}

function isLong(finding: Finding): boolean {
  if (finding.long === true) return true;
  return finding.reading.split('\n').length > LONG || finding.want.split('\n').length > LONG;
}

/** One finding that is not right: its sign, name and title, and below it what differs. */
export function findingLines(
  finding: Finding,
  look: Look,
  options: { full: boolean; column: number },
): string[] {
  const head = `  ${sign(finding.forecast, look)} ${pad(finding.step, options.column)}`;
  if (finding.forecast === 'unknown') {
    return [`${head} ${options.full ? `${finding.title}: ` : ''}${look.paint.faint(until(finding))}`];
  }
  const title = printable(finding.title);
  if (isLong(finding) && !options.full) {
    const gap = Math.max(2, 46 - width(title));
    return [`${head} ${title}${' '.repeat(gap)}${look.paint.faint(summary(finding.reading, finding.want))}`];
  }
  const most = options.full ? Number.POSITIVE_INFINITY : DIFF_LINES;
  const lines = differenceLines(finding.reading, finding.want, look, most);
  const note = printable(finding.note ?? '').trim();
  const notes =
    note === ''
      ? []
      : note
          .split('\n')
          .slice(-most)
          .map((line) => look.paint.faint(`! ${line}`));
  return [`${head} ${title}`, ...[...lines, ...notes].map((line) => `      ${line}`)];
}

/** Findings of one host; those known only later are told together, phase by phase. */
export function findingsLines(findings: readonly Finding[], look: Look, full: boolean): string[] {
  const open = findings.filter((f) => f.forecast !== 'right');
  const column = nameColumn(open);
  const out: string[] = [];
  for (let i = 0; i < open.length; ) {
    const finding = open[i] as Finding;
    let end = i + 1;
    while (!full && finding.forecast === 'unknown' && alike(finding, open[end])) end += 1;
    const others = end - i - 1;
    if (others > 1) {
      const name = pad(`${finding.step} and ${others} more`, column);
      out.push(`  ${sign('unknown', look)} ${name} ${look.paint.faint(until(finding))}`);
    } else {
      end = i + 1;
      out.push(...findingLines(finding, look, { full, column }));
    }
    i = end;
  }
  return out;
}

/**
 * Unknown ones of one phase wait for each other: what the first waits for is what all wait for. Those that got no answer do not.
 */
function alike(a: Finding, b: Finding | undefined): boolean {
  return (
    b !== undefined && b.forecast === 'unknown' && a.phase === b.phase && isUnanswered(a) === isUnanswered(b)
  );
}
