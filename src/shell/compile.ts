import { heredoc, lines, quote, type Shell, sh } from './sh.ts';

/** What {@link compile} needs to know of a step; `Step` is one. */
export interface ScriptStep {
  readonly id: string;
  readonly title: string;
  readonly why: string;
  readonly read: Shell;
  readonly want: string;
  readonly make?: Shell;
  readonly undo?: Shell;
  readonly within?: number;
  readonly again?: string;
  readonly probes?: readonly ScriptProbe[];
  readonly tells?: ScriptProbe;
}

/** What {@link compile} needs to know of a probe; `Probe` is one. */
export interface ScriptProbe {
  readonly name: string;
  readonly run: Shell;
  readonly needs?: { readonly probe: ScriptProbe; readonly said: string };
  readonly partOf?: { readonly probe: ScriptProbe; readonly filter: Shell };
}

/** What a script does with its steps: only look, look and make, or take back. */
export type ScriptMode = 'read' | 'make' | 'undo';

/** How a script is compiled. */
export interface CompileOptions {
  readonly mode: ScriptMode;
  /** The first comment line: `harbour · cp-0 · Prepare the host`. */
  readonly title: string;
  /** Late values the steps take. They are in the script's text: send it on standard input only. */
  readonly slots?: Readonly<Record<string, string>>;
  /** Where `give` leaves late values, a folder on the host only root can read. Absent: inside the script's own temporary folder. */
  readonly given?: string;
  /** Variables that whoever runs the script may have in the environment, and that must not reach its programs. */
  readonly unset?: readonly string[];
  /** A file whose existence makes the script end before its next step. */
  readonly stopFile?: string;
}

/** The byte that leads every record; whatever else the stream carries is the output of the step in progress. */
export const RECORD = '\u001e';

/** The shell functions that print records; every script begins with them. */
export const SAY = String.raw`
# A record: the byte 036 octal, the step's number, a word, and texts in base64. All else on the stream is output.
say() { printf '\036%s\n' "$*"; }
b64() { [ -z "$1" ] || printf '%s' "$1" | base64 -w0; }`;

const PRELUDE = String.raw`
LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
KUBECONFIG=/etc/kubernetes/admin.conf
export LC_ALL DEBIAN_FRONTEND NEEDRESTART_MODE NEEDRESTART_SUSPEND PATH KUBECONFIG
umask 022
cd /
tmp=$(mktemp -d /run/landfall.XXXXXX 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 143' HUP INT TERM
mkdir "$tmp/slots" "$tmp/probes"`;

/** A host that is only looked at has better things to do. */
const GIVES_WAY = 'renice -n 10 -p $$ >/dev/null 2>&1';

/** What the note of a probe says that `timeout` has ended. */
export const OVERDUE = 'no answer in time';

const PROBE = String.raw`
# A probe is run once, however many readings ask for it, until a step is made. What it complains about, it tells each of them; and when
# timeout has ended it, which says nothing, that.
probe() {
  [ -e "$tmp/probes/$1.over" ] || {
    "probe_$1" >"$tmp/probes/$1" 2>"$tmp/probes/$1.note" || [ $? -ne 124 ] || echo '${OVERDUE}' >>"$tmp/probes/$1.note"
    : >"$tmp/probes/$1.over"
  }
  [ ! -s "$tmp/probes/$1.note" ] || cat "$tmp/probes/$1.note" >&2
  cat "$tmp/probes/$1"
}`;

const SLOTS = String.raw`
slot() { cat "$tmp/slots/$1"; }
gave() { [ -e "$given/$1" ]; }
give() { ( umask 077; mkdir -p "$given"; printf '%s' "$2" >"$given/.$1"; mv "$given/.$1" "$given/$1" ); }`;

const LOOK = String.raw`
# What the reading of step $1 prints now, in $reading; what it complains about, in $tmp/note.
look() { reading=$("read_$1" 2>"$tmp/note" </dev/null); }
note() { tail -c 2000 "$tmp/note" | base64 -w0; }`;

const STEP_READ = String.raw`
step() {
  look "$1"; eval "want=\$want_$1"
  if [ "$reading" = "$want" ]; then say "$1" right; else say "$1" differs "$(b64 "$reading")" "$(note)"; fi
}`;

const TELL = String.raw`
tell() { say "$1" told "$(probe "$2" 2>/dev/null | base64 -w0)"; }`;

const STEP_MAKE = String.raw`
stopped=
# Seconds that no setting of the clock moves, where the system has them.
clock() { if [ -r /proc/uptime ]; then IFS='. ' read -r t _ </proc/uptime; else t=$(date +%s); fi; }
# Makes step $1, and leaves in $status how it ended. What may be made again is, when it has failed with the words of that, for up to $2
# seconds.
bring() {
  eval "again=\${again_$1-}"
  if [ -z "$again" ]; then ( set -eu; "make_$1" ) </dev/null 2>&1; status=$?; return; fi
  clock; begun=$t
  while :; do
    { ( set -eu; "make_$1" ) </dev/null 2>&1; echo "$?" >"$tmp/status"; } | tee "$tmp/said"
    status=$(cat "$tmp/status"); clock
    if [ "$status" -eq 0 ] || [ -e "$stop" ] || [ $((t - begun)) -ge "$2" ] || ! grep -qE -e "$again" "$tmp/said"; then break; fi
    echo 'no answer in time: it is made again'; sleep 1
  done
  rm -f "$tmp/said"
}
# step NUMBER make|check SECONDS: look; when it is not as wanted, make it; look again until it is or the time is over, soon at
# first and then every second.
step() {
  n=$1; kind=$2; within=$3
  if [ -e "$stop" ]; then say "$n" skipped stop; return; fi
  if [ "$stopped" = make ] || { [ -n "$stopped" ] && [ "$kind" = make ]; }; then say "$n" skipped; return; fi
  look "$n"; eval "want=\$want_$n"
  if [ "$reading" = "$want" ]; then say "$n" right; return; fi
  if [ "$kind" = make ]; then
    say "$n" differs "$(b64 "$reading")" "$(note)"
    bring "$n" "$within"
    rm -f "$tmp"/probes/*
    look "$n"
    if [ "$status" -ne 0 ]; then say "$n" failed "$status" "$(b64 "$reading")" "$(note)"; stopped=make; return; fi
  fi
  clock; begun=$t; waited=0; told=-10; last=; pause=0.2
  while [ "$reading" != "$want" ] && [ "$waited" -lt "$within" ]; do
    if [ "$reading" != "$last" ] || [ $((waited - told)) -ge 10 ]; then
      say "$n" waiting "$waited" "$(b64 "$reading")" "$(note)"; last=$reading; told=$waited
    fi
    if [ -e "$stop" ]; then break; fi
    sleep "$pause"; rm -f "$tmp"/probes/*; look "$n"
    case $pause in 0.2) pause=0.4 ;; 0.4) pause=0.7 ;; *) pause=1 ;; esac
    clock; waited=$((t - begun))
  done
  if [ "$reading" = "$want" ]; then if [ "$kind" = make ]; then say "$n" made; else say "$n" right; fi
  elif [ "$kind" = make ]; then say "$n" unproven "$(b64 "$reading")" "$(note)"; stopped=make
  else say "$n" wrong "$(b64 "$reading")" "$(note)"; if [ -z "$stopped" ]; then stopped=check; fi; fi
}`;

const STEP_UNDO = String.raw`
# Taking back goes on when one piece fails: the rest is wanted all the same.
step() {
  if [ -e "$stop" ]; then say "$1" skipped stop; return; fi
  say "$1" undoing
  ( set -eu; "undo_$1" ) </dev/null 2>&1
  status=$?
  if [ "$status" -eq 0 ]; then say "$1" undone; else say "$1" failed "$status" "" ""; fi
}`;

const STEPS: Readonly<Record<ScriptMode, string>> = { read: STEP_READ, make: STEP_MAKE, undo: STEP_UNDO };

function comment(text: string): string {
  return text
    .split('\n')
    .map((line) => `# ${line}`.trimEnd())
    .join('\n');
}

/** Nothing but white space. Long text is not looked at: it would be laid out flat for that, and kept so, once a host. */
const isBlank = ({ text }: Shell): boolean => text.length < 80 && text.trim() === '';

function body(name: string, shell: Shell): string {
  return `${name}() {\n${isBlank(shell) ? ':' : shell.text}\n}`;
}

/** A probe's function, and before it those of the probes it asks. */
function withNeeds(probe: ScriptProbe): readonly (readonly [name: string, text: string])[] {
  const { name, run, needs, partOf } = probe;
  const own = (text: Shell): readonly [string, string] => [name, body(`probe_${name}`, text)];
  if (partOf !== undefined)
    return [...withNeeds(partOf.probe), own(sh`probe ${partOf.probe.name} | ${partOf.filter}`)];
  if (needs === undefined) return [own(run)];
  const guard = sh`[ "$(probe ${needs.probe.name})" = ${needs.said} ] || return 0`;
  return [...withNeeds(needs.probe), own(lines(guard, run))];
}

function chapter(step: ScriptStep, n: number, mode: ScriptMode): string {
  const head = comment(`── ${n} ${step.id}: ${step.title}\n${step.why}`);
  if (mode === 'undo') return [head, body(`undo_${n}`, step.undo ?? sh``)].join('\n');
  const parts = [head, body(`read_${n}`, step.read), `want_${n}=${quote(step.want.replace(/\n+$/, ''))}`];
  if (mode === 'make' && step.make !== undefined) {
    if (step.again !== undefined) parts.push(`again_${n}=${quote(step.again)}`);
    parts.push(body(`make_${n}`, step.make));
  }
  return parts.join('\n');
}

function call(step: ScriptStep, n: number, mode: ScriptMode): string {
  if (mode === 'read' && step.tells !== undefined) return `step ${n}\ntell ${n} ${step.tells.name}`;
  if (mode !== 'make') return `step ${n}`;
  return `step ${n} ${step.make === undefined ? 'check' : 'make'} ${step.within ?? 0}`;
}

/**
 * Turns steps into one POSIX script. Nothing in it runs before its last line is there, so half a script does nothing.
 * It prints records (see {@link RECORD}) that `parse.ts` reads back, numbered from 1 in the order of `steps`.
 */
export function compile(steps: readonly ScriptStep[], options: CompileOptions): string {
  const told = options.mode === 'read' ? steps.flatMap((s) => s.tells ?? []) : [];
  const probes = new Map([...steps.flatMap((s) => s.probes ?? []), ...told].flatMap(withNeeds));
  const slots = Object.entries(options.slots ?? {});
  const wantsSlots = slots.length > 0 || options.mode !== 'undo';
  const main = [
    'main() {',
    PRELUDE.trim(),
    ...(options.unset === undefined || options.unset.length === 0 ? [] : [sh`unset ${options.unset}`.text]),
    `given=${quote(options.given ?? '')}; given=\${given:-$tmp/given}`,
    `stop=${quote(options.stopFile ?? '')}; stop=\${stop:-$tmp/stop}`,
    ...slots.map(([name, value]) => sh`cat >"$tmp/slots"/${name} ${heredoc(value)}`.text),
    ...(options.mode === 'read' ? [GIVES_WAY] : []),
    `say landfall 1 ${steps.length}`,
    ...steps.map((s, i) => call(s, i + 1, options.mode)),
    'say end',
    '}',
  ];
  return [
    '#!/bin/sh',
    comment(options.title),
    SAY,
    ...(options.mode === 'undo' ? [] : [PROBE, LOOK]),
    ...(wantsSlots ? [SLOTS] : []),
    STEPS[options.mode],
    ...(told.length === 0 ? [] : [TELL]),
    '',
    ...[...probes.values()].map((text) => `${text}\n`),
    ...steps.map((s, i) => `${chapter(s, i + 1, options.mode)}\n`),
    main.join('\n'),
    'main',
    '',
  ].join('\n');
}
