import { Problem } from '../model/problem.ts';
import type { Action } from './command.ts';

const BASH = `# Completion of landfall for bash. It asks landfall itself, which reads ./cluster.yaml and no host.
_landfall() {
  local IFS=$'\\n'
  COMPREPLY=($(landfall complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _landfall landfall
`;

const ZSH = `#compdef landfall
# Completion of landfall for zsh. It asks landfall itself, which reads ./cluster.yaml and no host.
_landfall() {
  local -a proposals
  proposals=("\${(@f)$(landfall complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if (( \${#proposals} )) && [[ -n "$proposals[1]" ]]; then compadd -- $proposals; else _files; fi
}
compdef _landfall landfall
`;

const FISH = `# Completion of landfall for fish. It asks landfall itself, which reads ./cluster.yaml and no host.
function __landfall_complete
    set -l words (commandline -opc) (commandline -ct)
    landfall complete -- $words[2..-1] 2>/dev/null
end
complete -c landfall -a '(__landfall_complete)'
`;

const SCRIPTS: Readonly<Record<string, string>> = { bash: BASH, zsh: ZSH, fish: FISH };

/** Prints the completion script of a shell. */
export const completion: Action<object> = (context, _flags, [shell = '']) => {
  const script = SCRIPTS[shell];
  if (script === undefined) {
    throw new Problem({
      code: 'completion/shell',
      summary: `there is no completion for ${JSON.stringify(shell)}`,
      try: 'one of: bash, zsh, fish',
      exit: 2,
    });
  }
  context.process.stdout.write(script);
  return Promise.resolve(0);
};
