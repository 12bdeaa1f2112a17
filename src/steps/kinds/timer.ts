import { heredoc, lines, type Shell, sh } from '../../shell/sh.ts';
import { DISK_CLUES } from '../clues.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';
import { draft, folder, inPlace, lookAtFile } from './file.ts';

/** A program of Landfall's own on a host, and when the host runs it by itself. */
export interface WantedTimer {
  /** The name of its units, without `.service` and `.timer`. */
  readonly unit: string;
  /** What it does: the units' description. */
  readonly does: string;
  readonly program: { readonly path: string; readonly content: string };
  /** Lines of a `[Timer]` section; absent: it is there, and nobody runs it but Landfall. */
  readonly when?: readonly string[];
}

const HEAD = '# Written by Landfall.\n';

/** A program, and the timer that runs it; or the program alone, and no timer of an earlier choice. */
export function timer(about: About, { unit, does, program, when }: WantedTimer): Step {
  const at = (kind: string): string => `/etc/systemd/system/${unit}.${kind}`;
  const files = [
    { ...program, mode: '0755' },
    ...(when === undefined
      ? []
      : [
          {
            path: at('service'),
            mode: '0644',
            content: `${HEAD}[Unit]\nDescription=${does}\n[Service]\nType=oneshot\nExecStart=${program.path}\n`,
          },
          {
            path: at('timer'),
            mode: '0644',
            content: `${HEAD}[Unit]\nDescription=${does}\n[Timer]\n${when.join('\n')}\n[Install]\nWantedBy=timers.target\n`,
          },
        ]),
  ];
  const write = files.map(
    ({ path, content, mode }) => sh`
      mkdir -p ${folder(path)}
      cat >${draft(path)} ${heredoc(content)}
      chmod ${mode} ${draft(path)}
      ${inPlace(path)}`,
  );
  const state =
    when === undefined ? 'ActiveState=inactive\nUnitFileState=' : 'ActiveState=active\nUnitFileState=enabled';
  const look: readonly Shell[] = [
    lookAtFile(program.path),
    ...(when === undefined ? [] : [lookAtFile(at('service')), lookAtFile(at('timer'))]),
    sh`systemctl show -p ActiveState,UnitFileState ${`${unit}.timer`} | sort`,
  ];
  const stop = sh`
    if [ -e ${at('timer')} ]; then systemctl disable --now ${`${unit}.timer`}; fi
    rm -f ${[at('service'), at('timer')].flatMap((path) => [path, draft(path)])}
    systemctl daemon-reload
    systemctl reset-failed ${`${unit}.service`} 2>/dev/null || :`;
  return {
    ...about,
    long: true,
    read: lines(...look),
    want: [
      ...files.map(({ mode, content }) => `${mode} root:root\n${content.replace(/\n+$/, '')}`),
      state,
    ].join('\n'),
    make: lines(
      ...write,
      when === undefined
        ? stop
        : sh`
          systemctl enable ${`${unit}.timer`}
          systemctl restart ${`${unit}.timer`}`,
    ),
    undo: sh`
      ${stop}
      rm -f ${program.path} ${draft(program.path)}`,
    clues: [...(about.clues ?? []), ...DISK_CLUES],
  };
}
