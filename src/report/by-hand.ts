/*
 * A script that nobody watches guards itself: it writes a file beside its place and moves it there, so that no power cut
 * leaves half of one, and it waits while another program installs packages. Whoever types a step and sees what comes of it
 * needs neither, and reads past both. What is left out here is told at the head of the runbook.
 */

/** What `patient` of steps/kinds/packages.ts puts around apt-get and dpkg. */
const WAITING =
  /tries=0 said="\$\{tmp:-\/run\}\/said"\nuntil ([^]*?) 2>"\$said"; do\n(?: {2}.*\n)*done\ncat "\$said"/g;

/** What `file` of steps/kinds/file.ts makes: a folder, a draft with its text, mode and owner, and its place. */
const WRITING =
  /^mkdir -p \S+\n(?:umask 077\n)?cat >(\S+) (<<'(\w+)'\n[^]*?\n\3)\nchmod (\d+) \1\n(?:chown (\S+):(\S+) \1\n)?sync \1\nmv -fT \1 (\S+)$/gm;

/** A line of text printed into a draft, and its place. It may not read the file that it writes. */
const PRINTING = /^( *(?:printf|date|echo) .*) >(\S+)\n *sync \2\n *mv -fT \2 (\S+)$/gm;

/** Any other draft that takes its place, wherever on a line that begins. */
const PLACING = /^( *)(.*)\bsync (\S+)\n *mv -fT \3 (\S+)/gm;

/** What makes the output of apt fit for a log, and its cache small. */
const QUIET = / -o (?:Dpkg::Use-Pty=0|APT::Keep-Downloaded-Packages=false)/g;

/** Shell of a step as a person would type it, who sees what comes of it. */
export function byHand(text: string): string {
  return text
    .replace(WAITING, '$1')
    .replace(/\( ((?:apt-get|dpkg) [^()\n]*) \)/g, '$1')
    .replace(QUIET, '')
    .replace(
      WRITING,
      (_, _draft, body: string, _end, mode: string, user = 'root', group = 'root', path = '') => {
        const owner = user === 'root' && group === 'root' ? '' : ` -o ${user} -g ${group}`;
        return `install -D -m ${mode}${owner} /dev/stdin ${path} ${body}`;
      },
    )
    .replace(PRINTING, (all: string, print: string, _draft, path: string) =>
      print.includes(path) ? all : `${print} >${path}`,
    )
    .replace(PLACING, '$1$2mv -fT $3 $4');
}
