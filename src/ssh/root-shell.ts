/**
 * Takes scripts one after another on standard input, each led by a line `MARK LENGTH` (bytes), and runs each in a `sh -s` of its
 * own. Around what a script prints, on both streams, stands the mark; after it, on standard output, the script's status.
 * A script that does not arrive whole is not run. Ends when its input ends.
 * `head` does not read beyond LENGTH, as nothing is sent before the mark has come back. Only a printf of the shell's own may
 * hand the script over, as any other would show it in `ps`: mksh has none, and `print` instead.
 */
const SERVE = [
  'LC_ALL=C; export LC_ALL',
  'case $(command -v printf) in */*) landfall_print="print -r --";; *) landfall_print="printf %s\\n";; esac',
  'while read -r landfall_mark landfall_length',
  'do landfall_script=$(head -c "$landfall_length")',
  '[ "${#landfall_script}" = "$landfall_length" ] || exit 90',
  'echo "$landfall_mark"; echo "$landfall_mark" >&2',
  '$landfall_print "$landfall_script" 2>/dev/null | sh -s',
  'echo "$landfall_mark $?"; echo "$landfall_mark" >&2',
  'done',
].join('; ');

/**
 * Becomes root: as it is when it is root already, else by sudo, without a question. When that fails, says who it was:
 * `sudo -n` asks for a password of those too who are not in sudoers at all, so the groups are the only hint.
 */
const BECOME_ROOT =
  'LC_ALL=C; export LC_ALL; if [ "$(id -u)" = 0 ]; then exec sh -c "$1" landfall; else sudo -n sh -c "$1" landfall; landfall_status=$?; id >&2; exit "$landfall_status"; fi';

/**
 * The command given to ssh: a fixed text, so that it is the same for every host and `ps` shows nothing of any script.
 * Login shells differ (fish, csh): in it are no single quotes, exclamation marks or line ends between its single quotes.
 */
export const ROOT_SHELL = `exec sh -c '${BECOME_ROOT}' landfall '${SERVE}'`;
