import { type Shell, sh } from '../shell/sh.ts';
import { RECORD } from '../steps/kept.ts';
import { kubectl } from '../steps/node.ts';
import type { Scene } from '../steps/phase.ts';
import type { Holder } from './hold.ts';

/** The Lease, in kube-system, that whoever changes the cluster holds. */
export const LEASE = 'landfall';

/** Seconds a Lease that nobody renews still counts, and after which it is renewed. */
export const LASTS = 60;
const RENEWED = 10;

/** What a Lease names its holder by: `anna@laptop/20261123-091200-ab12`. */
export function identityOf({ user, machine, run }: Holder): string {
  return `${user}@${machine}/${run}`;
}

/** Where the cluster is asked. */
type Seat = Pick<Scene, 'cluster' | 'node' | 'facts'>;

/**
 * The functions both scripts are made of. `find` reads the Lease into $version, $identity, $turns and $who; `put` writes it as ours, of
 * just that version: when anybody has written it meanwhile it fails, and nothing is written.
 */
function functions(seat: Seat, self: Holder): Shell {
  const path =
    '{.metadata.resourceVersion}{"\\n"}{.spec.holderIdentity}{"\\n"}{.spec.leaseTransitions}{"\\n"}{.metadata.annotations.landfall/holder}';
  const head = `{"apiVersion":"coordination.k8s.io/v1","kind":"Lease","metadata":{"name":"${LEASE}","namespace":"kube-system"`;
  return sh`
    kube() { ${kubectl(seat)} -n kube-system "$@"; }
    moment() { date -u +%FT%T.%6NZ; }
    find() {
      found=$(kube get lease ${LEASE} --ignore-not-found -o jsonpath=${path}) || return 1
      version=$(printf '%s\n' "$found" | sed -n 1p); identity=$(printf '%s\n' "$found" | sed -n 2p)
      turns=$(printf '%s\n' "$found" | sed -n 3p); who=$(printf '%s\n' "$found" | sed -n 4p)
    }
    mine=${identityOf(self)}
    put() {
      if [ -n "$version" ]; then verb=replace of=",\"resourceVersion\":\"$version\""; else verb=create of=; fi
      printf '%s%s,"annotations":{"landfall/holder":%s}},"spec":{"holderIdentity":%s,"leaseDurationSeconds":%s,"acquireTime":"%s","renewTime":"%s","leaseTransitions":%s}}' \
        ${head} "$of" ${JSON.stringify(JSON.stringify(self))} ${JSON.stringify(identityOf(self))} ${LASTS} "$since" "$(moment)" "\${turns:-0}" |
        kube "$verb" -f - -o jsonpath='{.metadata.resourceVersion}'
    }
    free() {
      printf '%s%s},"spec":{"leaseDurationSeconds":1,"renewTime":"%s","leaseTransitions":%s}}' \
        ${head} ",\"resourceVersion\":\"$version\"" "$(moment)" "\${turns:-0}" | kube replace -f -
    }`;
}

/**
 * Takes the Lease and renews it for as long as the connection lives, telling `alive` each second so that it notices when nobody listens
 * any more. Somebody's Lease is looked at until it is renewed (`held`) or has not been for as long as it lasts: clocks are not compared,
 * as those of hosts may be wrong. It says `none` where there is no API server to ask, and only ends when that does not answer.
 * @param steal the holder it may be taken from at once.
 */
export function leaseScript(seat: Seat, self: Holder, steal: string): Shell {
  return sh`
    [ -s /etc/kubernetes/admin.conf ] || { say none; exit 0; }
    umask 077
    ${functions(seat, self)}
    for try in 1 2 3 4 5; do
      find || exit 0
      took=
      if [ -n "$identity" ] && [ "$identity" != "$mine" ]; then
        if [ "$identity" != ${steal} ]; then
          say waiting "$(b64 "$identity")" "$(b64 "$who")"
          first=$version; waited=0
          while [ "$version" = "$first" ] && [ "$waited" -lt ${LASTS} ]; do
            say alive || exit 0
            sleep 2; waited=$((waited + 2))
            find || exit 0
          done
          if [ "$version" != "$first" ]; then
            if [ -z "$identity" ]; then continue; fi
            say held "$(b64 "$identity")" "$(b64 "$who")"; exit 0
          fi
        fi
        took=$identity; whose=$who; turns=$((\${turns:-0} + 1))
      fi
      # Whoever went away while this looked must not get it: nobody would give it back.
      say alive || exit 0
      since=$(moment)
      if version=$(put); then break; fi
      [ "$try" -lt 5 ] || exit 0
    done
    if [ -n "$took" ]; then say took "$(b64 "$took")" "$(b64 "$whose")"; fi
    last=$(kube get configmap ${RECORD} --ignore-not-found -o jsonpath='{.data.history}' | sed -n 1p)
    say got "$(b64 "$last")"
    n=0
    while say alive; do
      sleep 1; n=$((n + 1))
      if [ $((n % ${RENEWED})) -gt 0 ]; then continue; fi
      if renewed=$(put 2>/dev/null); then version=$renewed; continue; fi
      # Somebody else's by now; or the API server does not answer, which passes.
      if find && [ "$identity" != "$mine" ]; then say lost; exit 0; fi
    done`;
}

/** Gives the Lease back, when it is ours; an API server that does not answer is asked three times. */
export function freeScript(seat: Seat, self: Holder): Shell {
  return sh`
    [ -s /etc/kubernetes/admin.conf ] || exit 0
    umask 077
    ${functions(seat, self)}
    for try in 1 2 3; do
      if find; then
        [ "$identity" = "$mine" ] || exit 0
        if free >/dev/null 2>&1; then exit 0; fi
      fi
      sleep 1
    done`;
}
