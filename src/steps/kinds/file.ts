import { heredoc, type Shell, sh } from '../../shell/sh.ts';
import { DISK_CLUES } from '../clues.ts';
import { BEFORE } from '../places.ts';
import type { Step } from '../step.ts';
import type { About } from './about.ts';

/** A file as it should be. */
export interface WantedFile {
  readonly path: string;
  /** Its whole text; a final newline is added when missing. */
  readonly content: string;
  /** Four octal digits; 0644 when absent. */
  readonly mode?: string;
  /** `user:group`; root:root when absent. */
  readonly owner?: string;
}

/** Prints a file's mode, owner and text, or `absent`. */
export function lookAtFile(path: string): Shell {
  return sh`{ stat -c '%04a %U:%G' ${path} && cat ${path}; } 2>/dev/null || echo absent`;
}

/** Where a file is written before it takes its place by one rename, so that nobody ever reads half of it. */
export function draft(path: string): string {
  const slash = path.lastIndexOf('/');
  return `${path.slice(0, slash)}/.${path.slice(slash + 1)}.landfall`;
}

/**
 * Gives a draft its place. Its text is on the disk before its name is: otherwise it would be an empty file after a power cut
 * in the next half minute.
 */
export function inPlace(path: string): Shell {
  return sh`
    sync ${draft(path)}
    mv -fT ${draft(path)} ${path}`;
}

/** The folder a path is in. */
export function folder(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/';
}

/** Puts back the copy that was noted of a file before anything was made, or removes the file when there was none. */
export function putBack(path: string, before: string = BEFORE): Shell {
  const kept = before + path;
  return sh`
    rm -f ${draft(path)}
    if [ -e ${kept} ]; then
      cp -a ${kept} ${draft(path)}
      ${inPlace(path)}
    else
      rm -f ${path}
    fi`;
}

/** A file with this mode, owner and text. The reading is all three, so that a plan can show what differs. */
export function file(about: About, wanted: WantedFile, before?: string): Step {
  const { path, content, mode = '0644', owner = 'root:root' } = wanted;
  return {
    ...about,
    read: lookAtFile(path),
    want: `${mode} ${owner}\n${content}`.replace(/\n+$/, ''),
    make: sh`
      mkdir -p ${folder(path)}
      umask 077
      cat >${draft(path)} ${heredoc(content)}
      chmod ${mode} ${draft(path)}
      chown ${owner} ${draft(path)}
      ${inPlace(path)}`,
    undo: putBack(path, before),
    writes: [path],
    clues: [...(about.clues ?? []), ...DISK_CLUES],
  };
}

/** A file that must not be there. */
export function absent(about: About, path: string): Step {
  return { ...about, read: lookAtFile(path), want: 'absent', make: sh`rm -f ${path}` };
}
