import { Problem } from '../model/problem.ts';
import { parseRecords } from '../shell/parse.ts';
import type { Host } from '../ssh/host.ts';
import type { Step } from '../steps/step.ts';

/**
 * How long a host may say nothing while it is only looked at, in seconds. Longer than any program of a reading is given: two
 * repositories that do not answer take 60 s each.
 */
const SILENCE = 300;

/** The code of a host that fell silent. */
export const SILENT = 'host/silent';

/** What a script that only looks asks for: its steps, in the order it asks, or words for all of it. */
export type Asked = string | readonly Pick<Step, 'id' | 'title'>[];

/** What a host was at when it fell silent. */
function asking(asked: Asked, said: string): string {
  if (typeof asked === 'string') return asked;
  // A step is told of when it has been read, so the one in question is the next.
  const read = parseRecords(said).reduce((last, r) => ('step' in r ? Math.max(last, r.step) : last), 0);
  const step = asked[read];
  return step === undefined ? 'the end of its answer' : `${step.title} (${step.id})`;
}

/**
 * Runs a script that only looks, and gives the host up when it says nothing for too long: a program that waits for a disk or a mount
 * never comes back, while sshd, which needs neither, goes on answering.
 * @param seconds how long it may be silent.
 * @returns its standard output.
 * @throws Problem `host/silent` (exit 4), and what {@link Host.run} throws.
 */
export async function heard(host: Host, script: string, asked: Asked, seconds = SILENCE): Promise<string> {
  const said: string[] = [];
  const silent = new AbortController();
  const giveUp = (): void => {
    const problem = new Problem({
      code: SILENT,
      host: host.name,
      summary: `${host.name} can be reached, but has said nothing for ${seconds / 60} min`,
      saw: `asked for: ${asking(asked, said.join(''))}`,
      why: 'a program that only looks does not come back; mostly it waits for a disk, or for a mount whose server is gone',
      try: `on ${host.name}: ps -eo pid,stat,etime,wchan:24,args | awk '$2 ~ /D/' shows what waits for a disk, and dmesg | tail why; when it is mended, run the command again`,
      exit: 4,
    });
    silent.abort(problem);
  };
  const wait = (): NodeJS.Timeout => setTimeout(giveUp, seconds * 1000);
  let timer = wait();
  try {
    const out = await host.run(script, {
      signal: silent.signal,
      onData: (chunk) => {
        said.push(chunk);
        clearTimeout(timer);
        timer = wait();
      },
    });
    // A recording has all of it at once, and gives it at the end.
    return said.join('') + out.stdout;
  } finally {
    clearTimeout(timer);
  }
}
